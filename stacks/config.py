"""The configuration of the stacks: which keys there are, what they may say. Owns no default of a size or count.

The values stand in ``Pulumi.<stack>.yaml`` under ``meridian:``; they hold no secret. A key that is not here, or a
value that is not allowed, stops the program with the file, the key and what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, TypeVar

import pulumi
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from regions.catalogue import CATALOGUE
from regions.names import PROJECT
from services.contracts.workloads import BY_NAME, Transcoder

_ORIGIN = r"^https?://[A-Za-z0-9.-]+(:\d{1,5})?$"
_SWITCH = {"true": True, "false": False}


class ConfigurationError(ValueError):
    """The configuration of a stack is malformed; the message names file, key and what is allowed."""


def _switch(value: object) -> object:
    if isinstance(value, str) and value not in _SWITCH:
        raise ValueError("allowed: true, false")
    return _SWITCH[value] if isinstance(value, str) else value


def _region_name(value: str) -> str:
    if value not in CATALOGUE.names:
        raise ValueError(f"allowed: {', '.join(CATALOGUE.names)}")
    return value


def _public_key(value: str) -> str:
    if "PRIVATE" in value:
        raise ValueError("this is a private key; only the public half belongs here")
    if not value.strip().startswith("-----BEGIN PUBLIC KEY-----"):
        raise ValueError("must be a public key in PEM form (-----BEGIN PUBLIC KEY-----)")
    return value


Switch = Annotated[bool, BeforeValidator(_switch)]
RegionName = Annotated[str, BeforeValidator(_region_name)]
ImageVersion = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$")]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws:iam::\d{12}:role/.+$")]
PublicKeyPem = Annotated[str, BeforeValidator(_public_key)]


class StackConfig(BaseModel):
    """What every stack has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str = Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")
    """The registered domain, lower case, without a trailing dot."""
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    """The one account that may be deployed to; absent: whichever the credentials belong to."""
    disposable: Switch = False
    """True for a deployment that ``destroy`` may remove with all its data: nothing is protected."""


class GlobalConfig(StackConfig):
    """Of the stack ``global``."""

    contact: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """Mail address that budgets write to."""
    budget: int = Field(gt=0)
    """USD a month for the whole account."""
    repository: str = Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")
    """``owner/name`` on GitHub, whose workflows may preview and deploy."""
    playback_keys: tuple[PublicKeyPem, ...] = Field(default=(), max_length=2)
    """Public keys (PEM) that check signed playback; two while one replaces the other. Absent: media need no cookie."""


class Origins(BaseModel):
    """Where people reach a deployment, as origins (scheme, host, port if any), without a trailing slash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api: str = Field(pattern=_ORIGIN)
    media: str = Field(pattern=_ORIGIN)
    page: str = Field(pattern=_ORIGIN)
    s3: str | None = Field(default=None, pattern=_ORIGIN)


class RegionConfig(StackConfig):
    """Of a region's stack."""

    contact: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """Mail address that alarms and the region's budget write to."""
    budget: int = Field(gt=0)
    """USD a month for this region."""
    transcoder: Transcoder = "ffmpeg"
    """What turns uploads into renditions; both read the one ladder."""
    rendition_minutes: int | None = Field(default=None, gt=0)
    """A day's bound on conversions in minutes of video, once for each rung. Absent: as capacity computes it."""
    passwords: int = Field(default=1, gt=0)
    """Generation of all generated passwords; raising it replaces them, gives them to the roles and restarts the pods."""
    context_key: int = Field(default=1, gt=0)
    """Generation of the key that signs user contexts; raising it replaces the key and restarts nothing."""
    origins: Origins | None = None
    """Absent: the hosts of the domain over HTTPS."""

    release: str = Field(default="0.1.0", pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
    """Tag of the images that run."""
    images: dict[str, ImageVersion] = Field(default_factory=dict)
    """Digest (``sha256:…``) or tag of single workloads, by name; goes before ``release``."""
    operators: tuple[RoleArn, ...] = ()
    """Roles, beside the pipelines', that may administer the cluster."""
    cluster_reachable_from: tuple[str, ...] = ()
    """Address blocks outside the VPC that reach the Kubernetes API. None: it is reached from inside the VPC only."""

    @field_validator("images")
    @classmethod
    def _known_workloads(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(BY_NAME))
        if unknown:
            raise ValueError(f"no workload {', '.join(unknown)}; allowed: {', '.join(BY_NAME)}")
        return value

    @field_validator("cluster_reachable_from")
    @classmethod
    def _blocks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for block in value:
            if IPv4Network(block).prefixlen == 0:
                raise ValueError("0.0.0.0/0 would open the Kubernetes API to everybody; name your own blocks")
        return value


class LinksConfig(StackConfig):
    """Of a stack between two regions."""


class SteeringConfig(StackConfig):
    """Of the stack ``steering``."""

    contact: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """Mail address that alarms on DNS and delivery write to."""
    drained: tuple[RegionName, ...] = ()
    """Regions that an operator has taken out of DNS."""


C = TypeVar("C", bound=StackConfig)


def load(model: type[C], stack: str) -> C:
    """The configuration that the engine handed to this program. Raises `ConfigurationError`."""
    return parse(model, stack, pulumi.runtime.get_config_env())


def parse(model: type[C], stack: str, values: Mapping[str, str]) -> C:
    """``values`` (``project:key`` to text) as ``model``; keys of other projects are not looked at.

    Raises `ConfigurationError` that lists everything that is wrong.
    """
    prefix = f"{PROJECT}:"
    own = {key.removeprefix(prefix): _decode(value) for key, value in values.items() if key.startswith(prefix)}
    try:
        return model.model_validate(own)
    except ValidationError as error:
        lines = [_explain(model, stack, detail) for detail in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None


def _decode(text: str) -> object:
    """Structured values arrive as JSON text, everything else as it stands in the file."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value


def _explain(model: type[StackConfig], stack: str, detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    place = f"Pulumi.{stack}.yaml: {PROJECT}:{key}"
    if detail["type"] == "extra_forbidden":
        return f"{place} is not known; allowed keys: {', '.join(sorted(model.model_fields))}"
    if detail["type"] == "missing":
        return f"{place} is missing; set it by `pulumi config set {key} VALUE --stack {stack}`"
    return f"{place} = {detail['input']!r}: {detail['msg']}"
