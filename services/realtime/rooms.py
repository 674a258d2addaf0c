"""Rooms: who watches which video, and when a room may be told something new. Pure; the clock is an argument.

A room hears the newest value at most once per tick, and a tick is as long as telling everybody takes: so a room of ten
is told at once, and a giant room does not starve the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MIN_TICK = 0.05
MAX_TICK = 10.0
DELIVERIES_PER_SECOND = 5_000
"""What one process delivers on one core (measured for this library: 5,500 to 10,000)."""
MAX_ROOMS = 8
"""Rooms that one socket may be in."""


def tick(viewers: int) -> float:
    """Seconds between two messages of one kind to a room of ``viewers``."""
    return min(max(viewers / DELIVERIES_PER_SECOND, MIN_TICK), MAX_TICK)


class FullError(Exception):
    """The socket is in as many rooms as it may be."""


@dataclass(slots=True)
class Rooms:
    """Sockets by room and rooms by socket."""

    _sockets: dict[str, set[str]] = field(default_factory=dict)
    _rooms: dict[str, set[str]] = field(default_factory=dict)

    def join(self, socket: str, room: str) -> bool:
        """Whether the room was empty before. Raises `FullError`."""
        mine = self._rooms.setdefault(socket, set())
        if room not in mine and len(mine) >= MAX_ROOMS:
            raise FullError(f"a connection watches at most {MAX_ROOMS} videos")
        mine.add(room)
        sockets = self._sockets.setdefault(room, set())
        first = not sockets
        sockets.add(socket)
        return first

    def leave(self, socket: str, room: str) -> bool:
        """Whether the room is empty now and was not before."""
        self._rooms.get(socket, set()).discard(room)
        sockets = self._sockets.get(room)
        if sockets is None or socket not in sockets:
            return False
        sockets.remove(socket)
        if sockets:
            return False
        del self._sockets[room]
        return True

    def gone(self, socket: str) -> tuple[str, ...]:
        """Takes the socket out of all rooms; which they were."""
        rooms = tuple(self._rooms.get(socket, ()))
        for room in rooms:
            self.leave(socket, room)
        self._rooms.pop(socket, None)
        return rooms

    def viewers(self, room: str) -> int:
        """Sockets in ``room``."""
        return len(self._sockets.get(room, ()))

    @property
    def open(self) -> tuple[str, ...]:
        """Rooms that are not empty."""
        return tuple(self._sockets)


@dataclass(slots=True)
class _Slot:
    newest: bytes
    due: float
    last: bytes | None = None


@dataclass(slots=True)
class Coalescer:
    """The newest message per room and kind, handed out once per tick and only if it says something new."""

    _slots: dict[tuple[str, str], _Slot] = field(default_factory=dict)
    _waiting: set[tuple[str, str]] = field(default_factory=set)

    def offer(self, room: str, kind: str, message: bytes, now: float) -> None:
        """Replaces what waits for ``room``."""
        key = (room, kind)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot(message, now)
        slot.newest = message
        if message == slot.last:
            self._waiting.discard(key)
        else:
            self._waiting.add(key)

    def due(self, now: float, rooms: Rooms) -> list[tuple[str, str, bytes]]:
        """Room, kind and message of what is to be sent now."""
        ready = [key for key in self._waiting if self._slots[key].due <= now]
        sent: list[tuple[str, str, bytes]] = []
        for key in ready:
            room, kind = key
            slot = self._slots[key]
            self._waiting.remove(key)
            slot.last = slot.newest
            slot.due = now + tick(rooms.viewers(room))
            sent.append((room, kind, slot.newest))
        return sent

    def forget(self, room: str) -> None:
        """Drops an empty room."""
        for key in [key for key in self._slots if key[0] == room]:
            del self._slots[key]
            self._waiting.discard(key)
