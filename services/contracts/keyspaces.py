"""Which keys and channels of Valkey each workload may touch. Pure.

Read by ``stacks/cache`` (ElastiCache's users), by ``local`` and by the tests' server, so that a key outside its
workload's part fails on any of them. What a workload may do at all is said beside it by commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.contracts.live import PREFIX as LIVE

REVOKED: Final = "revoked-sessions"
LIMIT_KEYS: Final = "limit:"
ATTEMPT_KEYS: Final = "attempts:"
ENGAGEMENT_KEYS: Final = "engagement:"

KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "gateway": (f"{LIMIT_KEYS}*", f"{ATTEMPT_KEYS}*", REVOKED),
        "accounts": (REVOKED,),
        "engagement": (f"{ENGAGEMENT_KEYS}*",),
        "realtime": (f"{LIVE}*",),
        "counters": (f"{LIVE}*",),
    }
)
"""Patterns of keys by workload. A workload with access to the cache that is not here keeps only what is `cached`."""
CHANNELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"realtime": (f"{LIVE}*",), "counters": (f"{LIVE}*",)}
)
"""Patterns of channels by workload; no others are published or heard."""


def cached(workload: str) -> str:
    """What the keys begin with under which ``workload`` keeps answers that it can make again."""
    return f"cached:{workload}:"


def patterns(workload: str) -> str:
    """The part of a rule of access that names keys and channels: nothing else is allowed.

    A user has no key and no channel but those that are named. ElastiCache refuses rules that begin with ``reset``:
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
    """
    keys = (*KEYS.get(workload, ()), f"{cached(workload)}*")
    return " ".join([*(f"~{key}" for key in keys), *(f"&{name}" for name in CHANNELS.get(workload, ()))])
