"""Templates, expressions and request paths: the small languages of the tables."""

from __future__ import annotations

import re
from collections.abc import Mapping

import jmespath

from local.aws.engine.wire import UNKNOWN, Unknown, is_list, is_mapping

_REFERENCE = re.compile(r"\{([A-Za-z_][\w.]*)\}")


def names_in(template: object) -> frozenset[str]:
    """The properties that a template refers to."""
    if is_mapping(template):
        return frozenset().union(*(names_in(item) for item in template.values()))
    if is_list(template):
        return frozenset().union(*(names_in(item) for item in template))
    return frozenset(_REFERENCE.findall(template)) if isinstance(template, str) else frozenset()


def render(template: object, state: Mapping[str, object]) -> object:
    """A template against the state; None when a reference is absent, UNKNOWN when it is not known yet."""
    if is_mapping(template):
        return {key: value for key, item in template.items() if (value := render(item, state)) is not None}
    if is_list(template):
        return [value for item in template if (value := render(item, state)) is not None]
    if not isinstance(template, str):
        return template
    names = _REFERENCE.findall(template)
    if not names:
        return template
    values = {name: state.get(name) for name in names}
    if template == "{" + names[0] + "}":
        return values[names[0]]
    if any(value is None for value in values.values()):
        return None
    if any(isinstance(value, Unknown) for value in values.values()):
        return UNKNOWN
    return _REFERENCE.sub(lambda match: str(values[match[1]]), template)


def parse(template: str, text: str) -> dict[str, str]:
    """The reverse of `render` for an identity: the references of the template with their parts of the text.

    Raises ValueError when the text does not have the template's form.
    """
    pattern, position = "", 0
    found = list(_REFERENCE.finditer(template))
    for index, match in enumerate(found):
        last = index == len(found) - 1
        pattern += re.escape(template[position : match.start()]) + f"(?P<g{index}>{'.+' if last else '.+?'})"
        position = match.end()
    pattern += re.escape(template[position:])
    matched = re.fullmatch(pattern, text)
    if matched is None:
        raise ValueError(f"the id {text!r} does not have the form {template!r}")
    return {match[1]: matched[f"g{index}"] for index, match in enumerate(found)}


def search(expression: str, answer: object) -> object:
    """The value of a JMESPath expression, None when absent."""
    return answer if expression in ("", "@") else jmespath.search(expression, answer)
