"""What a request's path and query must look like, from the OpenAPI document that the services' own models make.

Owns the reading of the document's parameters and the check. Bodies are streamed, so their form is the services' to
check, with the models from which the document is made; here it is only seen whether there is one. Pure but for the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from services.contracts.documents import OPENAPI_FILE

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_MEMO_TARGETS: Final = 1024
_MEMO_TARGET_BYTES: Final = 200


class FormError(Exception):
    """A path or query that does not have its form: ``field`` as ``place.name``, and what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class Value:
    """The form of one parameter's text. What the document does not bound is not checked."""

    __slots__ = ("highest", "integer", "longest", "lowest", "pattern", "shortest")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.integer = schema.get("type") == "integer"
        self.lowest: int | None = schema.get("minimum")
        self.highest: int | None = schema.get("maximum")
        self.shortest: int = schema.get("minLength", 0)
        self.longest: int | None = schema.get("maxLength")
        pattern = schema.get("pattern")
        self.pattern: re.Pattern[str] | None = None if pattern is None else re.compile(pattern)

    def problem(self, text: str) -> str | None:
        """What is wrong with ``text``, or None."""
        if self.integer:
            if _INTEGER.fullmatch(text) is None:
                return "it is no whole number"
            number = int(text)
            if self.lowest is not None and number < self.lowest:
                return f"it is below {self.lowest}"
            if self.highest is not None and number > self.highest:
                return f"it is above {self.highest}"
            return None
        if len(text) < self.shortest:
            return f"it has fewer than {self.shortest} characters"
        if self.longest is not None and len(text) > self.longest:
            return f"it has more than {self.longest} characters"
        # A pattern's $ lets a line break follow; an id with one is none.
        if self.pattern is not None and (self.pattern.search(text) is None or "\n" in text):
            return "it does not have its form"
        return None

    @property
    def expression(self) -> str:
        """A regular expression for a segment of a path: what it matches has no problem."""
        if self.pattern is None or self.integer:
            return "(?!)"
        return f"(?:{self.pattern.pattern.removeprefix('^').removesuffix('$')})"


class Form:
    """The form of one operation's requests."""

    __slots__ = ("_passed", "_path", "_query", "_required", "_segments", "needs_body")

    def __init__(self, template: str, operation: Mapping[str, Any]) -> None:
        parameters: list[Mapping[str, Any]] = operation.get("parameters", [])
        path = {each["name"]: Value(_schema(each)) for each in parameters if each["in"] == "path"}
        parts = template.split("/")
        self._segments: list[tuple[int, str, Value]] = [
            (number, part[1:-1], path[part[1:-1]]) for number, part in enumerate(parts) if part.startswith("{")
        ]
        # The whole path at once: the parts are only looked at to say which one is wrong.
        self._path: re.Pattern[bytes] | None = None
        if self._segments:
            texts = [path[part[1:-1]].expression if part.startswith("{") else re.escape(part) for part in parts]
            self._path = re.compile("/".join(texts).encode())
        self._query: dict[str, Value] = {
            each["name"]: Value(_schema(each)) for each in parameters if each["in"] == "query"
        }
        self._required: list[str] = [
            each["name"] for each in parameters if each["in"] == "query" and each.get("required", False)
        ]
        self._passed: set[bytes] = set()
        body = operation.get("requestBody")
        self.needs_body: bool = body is not None and bool(body.get("required", False))

    def check(self, path: bytes, target: bytes) -> None:
        """Raises `FormError` if ``path`` (which fits the template) or the query of ``target`` does not have its form."""
        if target in self._passed:
            return
        if self._path is not None and self._path.fullmatch(path) is None:
            self._check_path(path.decode("latin-1").split("/"))
        if self._query and len(target) > len(path) + 1:
            self._check_query(target[len(path) + 1 :])
        elif self._required:
            raise FormError(f"query.{self._required[0]}", "it is missing")
        if len(self._passed) >= _MEMO_TARGETS:
            self._passed.clear()
        if len(target) <= _MEMO_TARGET_BYTES:
            self._passed.add(target)

    def _check_path(self, parts: list[str]) -> None:
        for number, name, value in self._segments:
            problem = value.problem(parts[number])
            if problem is not None:
                raise FormError(f"path.{name}", problem)

    def _check_query(self, query: bytes) -> None:
        met: set[str] = set()
        for pair in query.decode("latin-1").split("&"):
            raw, _, text = pair.partition("=")
            name = unquote_plus(raw)
            value = self._query.get(name)
            if value is None:
                continue
            if name in met:
                # Of two values one reader takes the first and another the last.
                raise FormError(f"query.{name}", "it is given twice")
            met.add(name)
            problem = value.problem(unquote_plus(text))
            if problem is not None:
                raise FormError(f"query.{name}", problem)
        for name in self._required:
            if name not in met:
                raise FormError(f"query.{name}", "it is missing")


def _schema(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameter's schema; of an optional one, which may also be null, the part that a text can have."""
    schema: Mapping[str, Any] = parameter["schema"]
    choices: list[Mapping[str, Any]] = schema.get("anyOf", [])
    return next((each for each in choices if each.get("type") != "null"), schema)


class Forms:
    """The forms of all operations."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        document = json.loads(text)
        self._forms = {
            (method.upper(), template): Form(template, operation)
            for template, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    @classmethod
    def load(cls) -> Forms:
        """Those of the document beside the contracts."""
        return cls(OPENAPI_FILE.read_bytes())

    def of(self, method: str, template: str) -> Form:
        """The form of a route. Raises KeyError if the document lacks it; `make openapi` writes it anew."""
        return self._forms[(method, template)]
