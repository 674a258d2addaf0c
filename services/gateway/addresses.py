"""The caller's address: as the edge states it, and as the limiter counts it. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

UNKNOWN = "unknown"


@lru_cache(maxsize=4096)
def is_trusted_peer(host: str) -> bool:
    """Whether a connection from ``host`` comes from our own edge: loopback or private. Others may not name addresses."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


@lru_cache(maxsize=65536)
def limiter_key(address: str) -> str:
    """IPv4 as it is, IPv6 by its /64 (one subscriber), anything else as one common caller."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64)) + "/64"
    return str(parsed)


def caller(peer: str, forwarded_for: bytes | None) -> str:
    """The caller's address: the last one that our edge wrote, if the connection is the edge's."""
    if forwarded_for is not None and is_trusted_peer(peer):
        last = forwarded_for.rpartition(b",")[2].strip()
        if last and len(last) <= 45:
            return last.decode("ascii", errors="replace")
    return peer
