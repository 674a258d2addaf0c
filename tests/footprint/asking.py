"""How a declared property is looked up through boto3, and when what is found is what was declared.

Owns the vocabulary of the tables of checks and the comparison. Shares nothing with the provider: what it sends and how
it reads back is the thing under test.

`<name>` in a parameter or an expression is a declared property, an output that AWS made up (`<id>`, `<arn>` ...), or the
`<account>`; `<name|text>` is the text where there is none. Expressions are JMESPath over the answer of the operation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import boto3
import jmespath
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

ABSENT: Final = "(nothing there)"
_REFERENCE: Final = re.compile(r"<([A-Za-z]+)(?:\|([^>]*))?>")
_PAIRED: Final = frozenset({"tags", "dimensions"})
"""Maps to the program, and often lists of pairs to AWS."""
_ON: Final = frozenset({"true", "enabled", "on"})
_OFF: Final = frozenset({"false", "disabled", "off", "none", ""})


@dataclass(frozen=True, slots=True)
class Ask:
    """One reading operation. `finds`: declared property -> expression of it in the answer."""

    service: str
    operation: str
    """As boto3 calls the method."""
    params: Mapping[str, object]
    finds: Mapping[str, str]
    region: str = ""
    """Where to ask when it is not the resource's own region."""


@dataclass(frozen=True, slots=True)
class Check:
    """How all declared properties of a type are looked up."""

    asks: tuple[Ask, ...]
    unread: Mapping[str, str] = field(default_factory=dict)
    """Declared property, or `property.member` of the structures in it -> why no operation tells it."""
    among: frozenset[str] = frozenset()
    """Lists of which AWS tells more entries than were declared: its defaults too."""

    @property
    def found(self) -> frozenset[str]:
        """The properties that it looks up."""
        return frozenset(name for ask in self.asks for name in ask.finds)


@dataclass(frozen=True, slots=True)
class Subject:
    """A declared resource and how AWS calls it."""

    type: str
    label: str
    """Stack and name, for messages."""
    region: str
    declared: Mapping[str, object]
    """What the program declares, without defaults."""
    known: Mapping[str, object]
    """What else a template may name: id, arn and further outputs."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A declared property that is not as declared."""

    subject: str
    property: str
    declared: object
    found: object

    def __str__(self) -> str:
        return f"{self.subject}: {self.property} is declared {self.declared!r}, and AWS says {self.found!r}"


class Cloud(Protocol):
    """Answers of AWS."""

    def ask(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> object:
        """The answer of an operation with all its pages; None when what it asks for does not exist."""


class Boto:
    """boto3 against an endpoint. Answers are kept: a deployment is read, not changed, between two of its objects.

    Without an endpoint it is AWS itself, with the credentials that boto3 finds.
    """

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._clients: dict[tuple[str, str], object] = {}
        self._answers: dict[str, object] = {}

    def client(self, service: str, region: str) -> object:
        """A client; kept."""
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = _of_aws(service, region) if self._endpoint is None else self._emulated(service, region)
        return self._clients[key]

    def _emulated(self, service: str, region: str) -> object:
        made = boto3.client(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}, inject_host_prefix=False),
        )
        made.meta.events.register("before-sign.s3-control", _to_the_endpoint)
        made.meta.events.register("before-parse.elasticache", _escaped)
        return made

    def ask(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> object:
        """See `Cloud`."""
        key = json.dumps([service, region, operation, params], sort_keys=True, default=str)
        if key not in self._answers:
            self._answers[key] = self._asked(service, region, operation, params)
        return self._answers[key]

    def _asked(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> object:
        client = self.client(service, region)
        can_paginate, paginator = getattr(client, "can_paginate"), getattr(client, "get_paginator")  # noqa: B009 - made by botocore at run time
        try:
            if can_paginate(operation):
                answer: object = paginator(operation).paginate(**params).build_full_result()
            else:
                answer = getattr(client, operation)(**params)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if re.search(r"NotFound|NoSuch|NotExist|404|Nonexist|NonExist|DoesNotExist", code):
                return None
            raise
        return _as_text(answer)


def _of_aws(service: str, region: str) -> object:
    return boto3.client(service, region_name=region, config=Config(retries={"max_attempts": 10, "mode": "adaptive"}))


def _as_text(answer: object) -> object:
    """Bodies and blobs, of which all here are texts, as declared."""
    if isinstance(answer, StreamingBody):
        return answer.read().decode()
    if isinstance(answer, bytes):
        return answer.decode()
    if isinstance(answer, dict):
        return {key: _as_text(item) for key, item in answer.items()}
    return [_as_text(item) for item in answer] if isinstance(answer, list) else answer


def _to_the_endpoint(request: AWSRequest, **_: object) -> None:
    """S3 Control puts the account before the host; no such name exists on the loopback."""
    request.url = re.sub(r"//\d{12}\.", "//", request.url, count=1)


def _escaped(response_dict: dict[str, object], **_: object) -> None:
    """MiniStack puts access strings (`&*`) into its XML as they are."""
    body = response_dict.get("body")
    if isinstance(body, bytes):
        response_dict["body"] = re.sub(rb"&(?![a-zA-Z]+;|#)", b"&amp;", body)


def mismatches(check: Check, subject: Subject, cloud: Cloud, but: Collection[str] = ()) -> list[Mismatch]:
    """Everything declared of `subject` that is not so, leaving out the properties or members `but`."""
    wrong: list[Mismatch] = []
    for ask in check.asks:
        wanted = {name: how for name, how in ask.finds.items() if name in subject.declared and name not in but}
        if not wanted:
            continue
        params = filled(ask.params, subject)
        answer = cloud.ask(ask.service, ask.region or subject.region, ask.operation, _mapping(params))
        for name, how in wanted.items():
            found = ABSENT if answer is None else jmespath.search(str(filled(how, subject)), answer)
            declared = subject.declared[name]
            for path in (*check.unread, *but):
                if path.startswith(f"{name}."):
                    declared = without(declared, path.removeprefix(f"{name}."))
            if name in _PAIRED:
                found = paired(found)
            if not (holds(declared, found) if name in check.among else same(declared, found)):
                wrong.append(Mismatch(f"{subject.label} ({subject.type})", name, declared, found))
    return wrong


def filled(template: object, subject: Subject) -> object:
    """A template with what its references stand for; one that is a reference alone keeps the value's own type.

    Raises KeyError for what the subject does not have.
    """
    if isinstance(template, Mapping):
        return {str(key): filled(item, subject) for key, item in template.items()}
    if isinstance(template, (list, tuple)):
        return [filled(item, subject) for item in template]
    if not isinstance(template, str):
        return template
    values = {**subject.known, **subject.declared}

    def value(match: re.Match[str]) -> object:
        given = values.get(match[1])
        if given is None:
            if match[2] is None:
                raise KeyError(f"{subject.label} ({subject.type}) has no {match[1]}")
            return match[2]
        return given

    whole = _REFERENCE.fullmatch(template)
    return value(whole) if whole else _REFERENCE.sub(lambda match: str(value(match)), template)


def same(declared: object, found: object) -> bool:
    """Whether `found` is what was declared.

    Numbers and switches may come as text, documents with other spaces and order, lists of plain values in another
    order. A structure must have every declared member; members beyond are AWS's own defaults.
    """
    if isinstance(declared, bool):
        text = str(found).lower()
        return text in (_ON if declared else _OFF)
    if isinstance(declared, (int, float)):
        return _number(found) == float(declared)
    if isinstance(declared, str):
        return _same_text(declared, found)
    if isinstance(declared, Mapping):
        return isinstance(found, Mapping) and all(same(value, found.get(key)) for key, value in declared.items())
    if isinstance(declared, (list, tuple)):
        return _same_list(declared, found)
    return declared is None and found is None


def holds(declared: object, found: object) -> bool:
    """Whether each entry of a declared list is in the found one."""
    entries = list(declared) if isinstance(declared, (list, tuple)) else []
    others = list(found) if isinstance(found, (list, tuple)) else []
    return bool(entries) and all(any(same(entry, other) for other in others) for entry in entries)


def paired(found: object) -> object:
    """Pairs as a map, however the service lists them; tags that AWS sets itself are left out."""
    if isinstance(found, Mapping):
        pairs = dict(found)
    elif isinstance(found, list):
        pairs = {}
        for entry in found:
            key = next((entry[name] for name in ("Key", "TagKey", "key", "Name") if name in entry), None)
            pairs[key] = next((entry[name] for name in ("Value", "TagValue", "value") if name in entry), None)
    else:
        return found
    return {key: value for key, value in pairs.items() if not str(key).startswith("aws:")}


def without(declared: object, path: str) -> object:
    """A declared structure, or list of structures, without the member at `path`."""
    if isinstance(declared, (list, tuple)):
        return [without(item, path) for item in declared]
    if not isinstance(declared, Mapping):
        return declared
    head, _, rest = path.partition(".")
    kept = {key: value for key, value in declared.items() if key != head}
    return {**kept, head: without(declared[head], rest)} if rest and head in declared else kept


def _same_text(declared: str, found: object) -> bool:
    if isinstance(found, bool):
        return same(found, declared)
    if declared[:1] in "{[":
        document = _document(declared)
        if document is not None:
            return document == (_document(found) if isinstance(found, str) else found)
    if not isinstance(found, (str, int, float)):
        return False
    text = str(found)
    # Where one side names a resource by its ARN and the other by its name.
    shorter, longer = sorted((declared, text), key=len)
    # The name of a host may end with the root's dot.
    return longer in (shorter, f"{shorter}.") or (
        longer.startswith("arn:") and bool(shorter) and longer.endswith((f":{shorter}", f"/{shorter}"))
    )


def _same_list(declared: Sequence[object], found: object) -> bool:
    if not isinstance(found, (list, tuple)) or len(found) != len(declared):
        return False
    left = list(found)
    for item in declared:
        match = next((index for index, other in enumerate(left) if same(item, other)), None)
        if match is None:
            return False
        del left[match]
    return True


def _document(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _number(found: object) -> float | None:
    try:
        return float(found) if isinstance(found, (int, float, str)) and not isinstance(found, bool) else None
    except ValueError:
        return None


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"parameters must be a mapping, not {type(value).__name__}")
    return value
