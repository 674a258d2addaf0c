"""Every route that reads by a shard key hands on what the caller has written, so that nobody misses an own write."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import services

ROOT = Path(services.__path__[0])
BY_OVERLAY = {"engagement/routes.py": {"reaction", "counts", "subscription"}}
"""Reads of counts and states: what the caller did is laid over them as events, for which there is no log position (rule 14)."""


def reads(source: str) -> Iterator[tuple[str, int]]:
    """Name of the function and number of arguments of each call of a ``reader``."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "reader":
                    yield function.name, len(call.args) + len(call.keywords)


def test_every_read_by_a_shard_key_passes_what_the_caller_has_seen() -> None:
    found, without = 0, []
    for file in sorted(ROOT.glob("*/*.py")):
        name = file.relative_to(ROOT).as_posix()
        for function, arguments in reads(file.read_text(encoding="utf-8")):
            found += 1
            if arguments < 2 and function not in BY_OVERLAY.get(name, ()):
                without.append(f"{name}: {function}")
    assert without == []
    assert found > 10


def test_a_read_without_it_is_noticed() -> None:
    source = "async def show(router, key, seen):\n    async with router.reader(key) as c:\n        pass\n"
    assert list(reads(source)) == [("show", 1)]
