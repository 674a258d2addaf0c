"""``meridian region``: lose a region, bring it back, give it up. Owns the display; the steps are `local.regions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from local import regions
from local.installation import Platform
from local.regions import Plan
from ops.commands import common
from regions.catalogue import CATALOGUE
from regions.writers import Record

UNFINISHED = 3
SHOWN = 20

Region = Annotated[str, typer.Argument(metavar="REGION", help=f"One of {', '.join(CATALOGUE.names)}.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")]
Stacks = Annotated[bool, typer.Option("--stacks/--no-stacks", help="Bring the stacks to what is recorded, at the end.")]


def register(app: typer.Typer) -> None:
    """Add the command and its subcommands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="""Lose a region, bring it back, give it up: each a command that is repeated until it is done.

        Example:

            meridian region lose mumbai --dry-run
        """,
    )
    group.command("status")(status)
    group.command("lose")(lose)
    group.command("return")(bring_back)
    group.command("abandon")(abandon)
    app.add_typer(group, name="region")


def status(json: common.Json = False) -> None:
    """Show who writes the database of each home, since which term, and which regions are away.

    Example:

        meridian region status --json | jq -r '.lost[]'
    """
    record = common.platform().record
    rows = [(home, record.seats(home)) for home in CATALOGUE.names]
    if json:
        common.print_json(
            {
                "writers": {home: {"writer": seats.writer, "term": seats.term} for home, seats in rows},
                "lost": list(record.lost),
                "returning": list(record.returning),
                "given_up": list(record.given_up),
            }
        )
        return
    common.print_table(
        ("HOME", "WRITER", "TERM", "STATE"),
        [(home, seats.writer, str(seats.term), _state(record, home)) for home, seats in rows],
    )


def lose(
    region: Region, yes: Yes = False, dry_run: Dry = False, stacks: Stacks = True, json: common.Json = False
) -> None:
    """A drill: kill everything of a region, and let its partner take over what it wrote.

    Counts come from the log: none is lost. Direct writes (accounts, videos, uploads) that the copy had not received are
    lost; `return` lists them. Prints its plan and asks first. Repeat the command if it was interrupted: it goes on where
    it was. `meridian region return` is the way back; `meridian up` does not bring a lost region back.

    Examples:

        meridian region lose mumbai --dry-run

        meridian region lose mumbai --yes --json
    """
    platform = _agreed(regions.plan_loss, region, yes, dry_run, json)
    outcome = regions.lose(platform, region, stacks=stacks)
    if json:
        common.print_json(
            {"region": region, "seconds": dict(outcome.seconds), "pending_counted": dict(outcome.pending)}
        )
    else:
        print(
            f"{region} is lost; its partner serves after {outcome.seconds['serving']:.1f} s. `meridian region return {region}` brings it back"
        )


def bring_back(
    region: Region,
    yes: Yes = False,
    dry_run: Dry = False,
    stacks: Stacks = True,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0, help="For what was stranded.")] = 600.0,
    json: common.Json = False,
) -> None:
    """Bring a lost region back: its old primary is discarded, a new replica is built, what was stranded is counted.

    Lists the direct writes that the promotion lost, also when it is repeated. Ends with code 3 if the waiting was not
    long enough; repeat it then, and also if it was interrupted. Afterwards the partner goes on writing what it took over.

    Examples:

        meridian region return mumbai --yes

        meridian region return mumbai --yes --wait 60 --json
    """
    platform = _agreed(regions.plan_return, region, yes, dry_run, json)
    outcome = regions.bring_back(platform, region, wait=wait, stacks=stacks)
    if json:
        common.print_json(
            {
                "region": region,
                "seconds": dict(outcome.seconds),
                "lost_direct_writes": [asdict(row) for row in outcome.lost_writes],
                "uncounted_partitions": outcome.uncounted,
            }
        )
    else:
        common.print_table(
            ("HOME", "TABLE", "KEY", "THE PROMOTED DATABASE HAS"),
            [
                (row.home, row.table, row.key, "an older row" if row.known else "nothing")
                for row in outcome.lost_writes[:SHOWN]
            ],
        )
        print(f"{len(outcome.lost_writes)} direct writes were lost by the promotion")
        print(f"{region} is back" if not outcome.uncounted else f"{outcome.uncounted} partitions are not counted yet")
    if outcome.uncounted:
        raise typer.Exit(UNFINISHED)


def abandon(region: Region, yes: Yes = False, dry_run: Dry = False, json: common.Json = False) -> None:
    """Give a lost region up: what is stranded in its log is never counted, and its log is removed.

    For a region that stays away for longer than the logs are kept. Prints until when events of it are counted; what was
    acknowledged later is lost for good. `meridian region return` brings such a region back with an empty log.

    Example:

        meridian region abandon mumbai --dry-run
    """
    platform = _agreed(regions.plan_surrender, region, yes, dry_run, json)
    done = regions.abandon(platform, region)
    if json:
        common.print_json({"region": region, "copied_until_ms": dict(done.copied_until)})
        return
    common.print_table(
        ("TOPIC", "EVENTS OF THE REGION ARE COUNTED UNTIL"),
        [(topic, _moment(until)) for topic, until in done.copied_until.items()],
    )
    print(f"{region} is given up: acknowledged events after these times are lost")


def _agreed(plan_of: Callable[[Platform, str], Plan], region: str, yes: bool, dry_run: bool, json: bool) -> Platform:
    """The installation, once the plan was shown and agreed to."""
    platform = common.platform()
    plan = plan_of(platform, region)
    if json and dry_run:
        common.print_json({"region": region, "steps": list(plan.steps)})
    elif not json:
        for number, step in enumerate(plan.steps, start=1):
            print(f"{number}. {step}")
    if dry_run:
        raise typer.Exit
    if not yes:
        if json:
            raise typer.BadParameter("with --json nothing can be asked: say --yes, or --dry-run")
        typer.confirm("Go on?", abort=True)
    return platform


def _state(record: Record, home: str) -> str:
    if home in record.given_up:
        return "given up"
    if home in record.lost:
        return "lost"
    return "returning" if home in record.returning else "here"


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC" if milliseconds else "never"
