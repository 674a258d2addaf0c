"""What Check fills in: the region, defaults of a type, and the name that the program left to the provider."""

from __future__ import annotations

import hashlib
import re

from local.aws.engine.spec import Naming, ResourceType
from local.aws.engine.wire import Properties

DEFAULTS = "__defaults"


def filled(kind: ResourceType, news: Properties, olds: Properties, region: str, name: str, seed: bytes) -> Properties:
    """The inputs with defaults.  Names that were generated before are kept, and are listed under `__defaults`."""
    inputs = {key: value for key, value in news.items() if key != DEFAULTS}
    generated: list[object] = []
    if kind.regional:
        inputs.setdefault("region", region)
    for key, value in kind.defaults.items():
        inputs.setdefault(key, value)
    if kind.naming and kind.naming.property not in inputs:
        previous = olds.get(DEFAULTS)
        kept = isinstance(previous, list) and kind.naming.property in previous
        same_prefix = inputs.get(kind.naming.prefix) == olds.get(kind.naming.prefix)
        inputs[kind.naming.property] = (
            olds[kind.naming.property] if kept and same_prefix else _generated(kind, kind.naming, inputs, name, seed)
        )
        generated.append(kind.naming.property)
    inputs[DEFAULTS] = generated
    return inputs


def is_generated(kind: ResourceType, inputs: Properties) -> bool:
    """True when the provider chose the name, so that a replacement gets another one and both can exist."""
    names = inputs.get(DEFAULTS)
    return kind.naming is not None and isinstance(names, list) and kind.naming.property in names


def _generated(kind: ResourceType, naming: Naming, inputs: Properties, name: str, seed: bytes) -> str:
    prefix = inputs.get(naming.prefix)
    suffix = hashlib.sha256(seed + kind.pulumi_type.encode() + name.encode()).hexdigest()[:7]
    base = prefix if isinstance(prefix, str) else f"{naming.lead}{name}-"
    if naming.lower:
        base = re.sub(r"[^a-z0-9-]", "-", base.lower())
    tail = ".fifo" if inputs.get("fifoQueue") or inputs.get("fifoTopic") else ""
    return base[: naming.limit - len(suffix) - len(tail)] + suffix + tail
