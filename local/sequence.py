"""Starting programs in waves by health: a wave starts when every program of the one before is ready.

Owns the order of preparing, starting, waiting and settling. Does not own which programs there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.processes.program import NotReadyError, Program
from local.supervision import Supervisor

Report = Callable[[str], None]
PARALLEL = 4
"""Preparations and probes at a time: they wait for other processes more than they compute."""
POLL_SECONDS = 0.25
REPORT_SECONDS = 5.0
LAST_LINES = 8
SHOWN = 4
"""Names in a line of progress."""


class StartError(Exception):
    """A program does not become ready; the message shows why, from its probe and its log."""


def start_wave(supervisor: Supervisor, programs: Sequence[Program], order: int, report: Report) -> tuple[str, ...]:
    """Bring every program of one wave to work; what already does is left alone. Returns the names that were started.

    Raises `StartError`, or what a program's preparation raises.
    """
    changed = supervisor.define(programs, order)
    if changed:
        report(f"restarting, as their definition changed: {', '.join(changed)}")
    states = supervisor.states()
    idle = [program for program in programs if not states[program.name].running]
    with ThreadPoolExecutor(PARALLEL) as pool:
        for _ in pool.map(_prepare, idle):
            pass
        for program in idle:
            supervisor.launch(program.name)
        if idle:
            report(f"starting {', '.join(program.name for program in idle)}")
        await_settled(supervisor, programs, report, pool)
    return tuple(program.name for program in idle)


def await_settled(
    supervisor: Supervisor, programs: Sequence[Program], report: Report, pool: ThreadPoolExecutor
) -> None:
    """Wait until every program is ready, and settle it; one that went away meanwhile is waited for again.

    Raises `StartError`, or what a program's settling raises.
    """
    started = time.monotonic()
    left = list(programs)
    while left:
        await_ready(supervisor, left, report, pool)
        problems = [
            (program, problem) for program, problem in zip(left, pool.map(_settle, left), strict=True) if problem
        ]
        for program, problem in problems:
            if time.monotonic() - started > program.ready_seconds:
                raise StartError(f"{program.name}: it is ready, but {problem}")
        left = [program for program, _ in problems]
        if left:
            time.sleep(POLL_SECONDS)


def await_ready(supervisor: Supervisor, programs: Sequence[Program], report: Report, pool: ThreadPoolExecutor) -> None:
    """Wait until every program is ready. Raises `StartError` for the first whose time is over or that gave up."""
    started = time.monotonic()
    reported = started
    waiting = {program.name: program for program in programs}
    while waiting:
        problems = dict(zip(waiting, pool.map(problem_of, waiting.values()), strict=True))
        waiting = {name: program for name, program in waiting.items() if problems[name] is not None}
        now = time.monotonic()
        states = supervisor.states()
        for name, program in waiting.items():
            gave_up = name in states and states[name].state == "FATAL"
            if gave_up or now - started > program.ready_seconds:
                reason = "it ends at every start" if gave_up else f"not ready after {program.ready_seconds:.0f} s"
                raise StartError(
                    f"{name}: {reason}: {problems[name]}. The last lines of its log ({supervisor.log(name)}):\n"
                    + last_lines(supervisor.log(name))
                )
        if waiting and now - reported > REPORT_SECONDS:
            report(f"waiting for {waited_for({name: problems[name] or '' for name in waiting})}")
            reported = now
        if waiting:
            time.sleep(POLL_SECONDS)


def waited_for(problems: Mapping[str, str]) -> str:
    """The programs that are waited for, the first few by name, with what the first one lacks."""
    names = list(problems)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more} ({problems[names[0]]})"


def problem_of(program: Program) -> str | None:
    """What a program lacks, or None when it works."""
    try:
        program.probe()
    except NotReadyError as error:
        return str(error)
    return None


def last_lines(log: Path, count: int = LAST_LINES) -> str:
    """The end of a log, indented for a message; reads at most 64 KiB."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 65_536))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return "  (there is none)"
    return "\n".join(f"  {line}" for line in lines[-count:]) or "  (it is empty)"


def _settle(program: Program) -> str | None:
    try:
        program.settle()
    except NotReadyError as error:
        return str(error)
    return None


def _prepare(program: Program) -> None:
    program.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    program.prepare()
