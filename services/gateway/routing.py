"""Routing: from method and path to a row of the routing table. Pure; the table is ``services.contracts.routes``."""

from __future__ import annotations

from collections.abc import Iterable

from services.contracts.routes import Route
from services.gateway.plan import Plan


class _Node:
    __slots__ = ("any", "fixed", "methods")

    def __init__(self) -> None:
        self.fixed: dict[bytes, _Node] = {}
        self.any: _Node | None = None
        self.methods: dict[bytes, Plan] = {}


class NoRoute:
    """Nothing answers: ``allow`` holds the methods that the path does answer (empty: unknown path)."""

    __slots__ = ("allow",)

    def __init__(self, allow: tuple[bytes, ...]) -> None:
        self.allow = allow


class Router:
    """A tree over path segments: fixed segments win over ``{name}``. HEAD is answered by GET's route."""

    __slots__ = ("_memo", "_root")

    def __init__(self, routes: Iterable[tuple[Route, Plan]]) -> None:
        self._root = _Node()
        self._memo: dict[tuple[bytes, bytes], Plan | NoRoute] = {}
        for route, plan in routes:
            node = self._root
            for segment in route.template.encode().split(b"/")[1:]:
                if segment.startswith(b"{"):
                    if node.any is None:
                        node.any = _Node()
                    node = node.any
                else:
                    node = node.fixed.setdefault(segment, _Node())
            node.methods[route.method.encode()] = plan

    def find(self, method: bytes, path: bytes) -> Plan | NoRoute:
        """The plan of ``method`` and ``path`` (without query)."""
        key = (method, path)
        known = self._memo.get(key)
        if known is None:
            known = self._search(method, path)
            if len(self._memo) >= 4096:
                self._memo.clear()
            self._memo[key] = known
        return known

    def _search(self, method: bytes, path: bytes) -> Plan | NoRoute:
        methods = _walk(self._root, path.split(b"/")[1:], 0)
        if methods is None:
            return NoRoute(())
        plan = methods.get(b"GET" if method == b"HEAD" else method)
        return plan if plan is not None else NoRoute((*sorted(methods), b"OPTIONS"))


def _walk(node: _Node, segments: list[bytes], at: int) -> dict[bytes, Plan] | None:
    if at == len(segments):
        return node.methods or None
    segment = segments[at]
    fixed = node.fixed.get(segment)
    if fixed is not None:
        found = _walk(fixed, segments, at + 1)
        if found is not None:
            return found
    if node.any is not None and segment:
        return _walk(node.any, segments, at + 1)
    return None
