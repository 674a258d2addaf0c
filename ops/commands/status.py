"""``meridian status``: what runs, where, and whether it does its work."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import typer

from local import inventory
from local.installation import Platform
from local.processes.program import Program
from local.sequence import problem_of
from local.supervision import State
from ops.commands import common

UNWELL = 3
PROBES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One process."""

    cell: str
    """Empty for what exists once."""
    part: str
    name: str
    """For `meridian logs`."""
    pid: int | None
    port: int
    health: str
    """``healthy``, or what is wrong."""
    uptime: int
    """Seconds."""

    @property
    def healthy(self) -> bool:
        """Whether the process does its work."""
        return self.health == HEALTHY


HEALTHY = "healthy"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(json: common.Json = False) -> None:
    """Show every process with its port, health and uptime.

    Health is asked of the process itself: a replica has to stream, a Sentinel to see its quorum, a broker to list
    itself, a service to say that it is ready. Ends with code 3 if anything is not healthy.

    Examples:

        meridian status

        meridian status --json | jq -r '.[] | select(.health != "healthy") | .name'
    """
    rows = survey(common.platform())
    if json:
        common.print_json([asdict(row) for row in rows])
    else:
        common.print_table(
            ("CELL", "PART", "PID", "PORT", "HEALTH", "UPTIME"),
            [
                (row.cell or "-", row.part, str(row.pid or "-"), str(row.port or "-"), row.health, duration(row.uptime))
                for row in rows
            ],
        )
        well = sum(row.healthy for row in rows)
        print(f"{well} of {len(rows)} healthy")
    if not all(row.healthy for row in rows):
        raise typer.Exit(UNWELL)


def survey(platform: Platform) -> tuple[Row, ...]:
    """Ask the supervisor and every process."""
    states = platform.supervisor.states()
    programs = sorted(inventory.programs(platform), key=lambda program: (program.cell or "", program.port))
    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        problems = list(pool.map(lambda program: health(program, states.get(program.name)), programs))
    return rows(programs, states, problems)


def health(program: Program, state: State | None) -> str:
    """``healthy``, or why not."""
    if state is None or not state.running:
        reason = f" ({state.problem})" if state is not None and state.problem else ""
        return f"{state.state.lower() if state is not None else 'not started'}{reason}"
    return problem_of(program) or HEALTHY


def rows(programs: Sequence[Program], states: dict[str, State], healths: Sequence[str]) -> tuple[Row, ...]:
    """The table."""
    return tuple(
        Row(
            cell=program.cell or "",
            part=program.part,
            name=program.name,
            pid=states[program.name].pid if program.name in states else None,
            port=program.port,
            health=state,
            uptime=states[program.name].uptime if program.name in states else 0,
        )
        for program, state in zip(programs, healths, strict=True)
    )


def duration(seconds: int) -> str:
    """For people: 42 s, 3 min, 2 h, 4 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s" if seconds else "-"
