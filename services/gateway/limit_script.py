"""The limiter's script for Valkey: all limits of all requests of a loop tick in one call. Pure text and encoding.

Operations are triples of arguments beside one key each: ``g`` GCRA (interval, burst in microseconds and count),
``r`` reserve in a sliding log (window in microseconds, count, member), ``d`` release a reservation (member).
Time is Valkey's own, so that gateways with different clocks agree. Each answer is a group of four integers:
allowed (0 or 1), remaining, microseconds to wait, microseconds until whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.contracts.limits import Limit
from services.gateway.limits import Verdict

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


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on one key; ``arguments`` are the four that the script reads."""

    key: bytes
    arguments: tuple[bytes, bytes, bytes, bytes]


def hit(key: str, limit: Limit) -> Operation:
    """One request of ``key`` against a GCRA limit."""
    interval = limit.window * _MICRO // limit.count
    return Operation(key.encode(), (b"g", b"%d" % interval, b"%d" % limit.count, b""))


def reserve(key: str, limit: Limit, member: str) -> Operation:
    """A place for ``member`` in a sliding log."""
    return Operation(key.encode(), (b"r", b"%d" % (limit.window * _MICRO), b"%d" % limit.count, member.encode()))


def release(key: str, member: str) -> Operation:
    """Gives the place of ``member`` back."""
    return Operation(key.encode(), (b"d", b"0", b"0", member.encode()))


def verdicts(reply: Sequence[int]) -> list[Verdict]:
    """The script's answer, one verdict per operation. Raises ValueError if its length is not a multiple of four."""
    if len(reply) % 4:
        raise ValueError(f"the limiter's script answered {len(reply)} numbers")
    return [
        Verdict(bool(reply[i]), reply[i + 1], reply[i + 2] / _MICRO, reply[i + 3] / _MICRO)
        for i in range(0, len(reply), 4)
    ]
