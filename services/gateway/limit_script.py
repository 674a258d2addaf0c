"""The limiter's script for Valkey: all limits of all requests of a loop tick in one call. Pure text and encoding.

Operations are triples of arguments beside one key each: ``g`` GCRA (interval, burst in microseconds and count),
``r`` reserve in a sliding log (window in microseconds, count, member), ``d`` release a reservation (member).
Time is Valkey's own, so that gateways with different clocks agree. Each answer is a group of four integers:
allowed (0 or 1), remaining, microseconds to wait, microseconds until whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.contracts.limits import Limit
from services.gateway.limits import Verdict
from services.gateway.resp import bulk

SCRIPT: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local out = {}
for i, key in ipairs(KEYS) do
  local base = (i - 1) * 4
  local op, a, b, member = ARGV[base + 1], tonumber(ARGV[base + 2]), tonumber(ARGV[base + 3]), ARGV[base + 4]
  local allowed, remaining, wait, whole = 1, 0, 0, 0
  if op == 'g' then
    local tat = tonumber(redis.call('GET', key) or '0')
    local new = math.max(tat, now) + a
    local spare = a * b - (new - now)
    if spare < 0 then
      allowed, wait, whole = 0, -spare, math.max(0, tat - now)
    else
      remaining, whole = math.floor(spare / a), new - now
      redis.call('SET', key, string.format('%.0f', new), 'PX', math.ceil(whole / 1000) + 1000)
    end
  elseif op == 'r' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - a)
    local used = redis.call('ZCARD', key)
    if used >= b then
      local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
      local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
      allowed, wait, whole = 0, first[2] + a - now, last[2] + a - now
    else
      redis.call('ZADD', key, string.format('%.0f', now), member)
      redis.call('PEXPIRE', key, math.ceil(a / 1000) + 1000)
      remaining, whole = b - used - 1, a
    end
  else
    redis.call('ZREM', key, member)
  end
  out[base + 1], out[base + 2], out[base + 3], out[base + 4] = allowed, remaining, wait, whole
end
return out
"""

_MICRO: Final = 1_000_000
NUMBERS: Final = 4
"""Integers of the answer to one operation."""


class Operation:
    """One operation on one key, in the wire form of the call: the key, and the four arguments that the script reads."""

    __slots__ = ("arguments", "key")

    def __init__(self, key: bytes, arguments: bytes) -> None:
        self.key = key
        self.arguments = arguments


def hit_arguments(limit: Limit) -> bytes:
    """The arguments of every request against a GCRA limit."""
    return _arguments(b"g", limit.window * _MICRO // limit.count, limit.count, b"")


def reserve(key: str, limit: Limit, member: str) -> Operation:
    """A place for ``member`` in a sliding log."""
    arguments = _arguments(b"r", limit.window * _MICRO, limit.count, member.encode())
    return Operation(bulk(key.encode()), arguments)


def release(key: str, member: str) -> Operation:
    """Gives the place of ``member`` back."""
    return Operation(bulk(key.encode()), _arguments(b"d", 0, 0, member.encode()))


def _arguments(operation: bytes, first: int, second: int, member: bytes) -> bytes:
    return bulk(operation) + bulk(b"%d" % first) + bulk(b"%d" % second) + bulk(member)


def verdict(reply: Sequence[int], at: int) -> Verdict:
    """The script's answer to the operation number ``at``."""
    base = at * NUMBERS
    return Verdict(reply[base] != 0, reply[base + 1], reply[base + 2] / _MICRO, reply[base + 3] / _MICRO)
