"""``meridian dlq``: the events that could not be counted. Owns their display; the rules are in `services.counters.dead`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Annotated, Literal

import typer
from pydantic import JsonValue

from ops.commands import common, stores
from services.common.resources import open_resources
from services.common.shards import ShardRouter
from services.contracts.settings import PlatformSettings
from services.contracts.topics import BY_NAME
from services.counters import dead
from services.counters.counting import at_home
from services.counters.dead import DeadLetterError, Letter, LetterKey

Shown = Literal["dead", "replayed", "purged", "all"]

_Cell = Annotated[str | None, typer.Option("--cell", help="Home cell whose database is meant; otherwise every one.")]
_Topic = Annotated[str | None, typer.Option("--topic", help="Only letters of this topic.")]
_Key = Annotated[str, typer.Argument(metavar="LETTER", help="As `meridian dlq list` prints it.")]


def register(app: typer.Typer) -> None:
    """Add the command and its subcommands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="""Look at events that could not be counted, and replay or purge them.

        Example:

            meridian dlq list
        """,
    )
    group.command("list")(list_letters)
    group.command("show")(show)
    group.command("replay")(replay)
    group.command("purge")(purge)
    app.add_typer(group, name="dlq")


def list_letters(
    cell: _Cell = None,
    topic: _Topic = None,
    state: Annotated[Shown, typer.Option("--state", help="Which letters.")] = "dead",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many of each cell.")] = 100,
    files: stores.Files = None,
    json: common.Json = False,
) -> None:
    """List dead letters, the oldest first. Ends with code 3 if any letter is shown that is still dead.

    Examples:

        meridian dlq list

        meridian dlq list --cell mumbai --state all --json
    """
    _known(topic)

    async def work(settings: PlatformSettings) -> list[tuple[str, Letter]]:
        async with open_resources(stores.WORKLOAD, settings) as resources:
            found: list[tuple[str, Letter]] = []
            for home in _homes(resources.router, cell):
                async with resources.router.home_writer(home) as connection:
                    letters = await dead.listed(
                        connection, state=None if state == "all" else state, topic=topic, limit=limit
                    )
                found += [(home, letter) for letter in letters]
            return found

    letters = stores.run(work(_any(files)))
    if json:
        common.print_json([_brief(home, letter) for home, letter in letters])
    else:
        common.print_table(
            ("CELL", "STATE", "SINCE", "REASON", "LETTER"),
            [
                (home, letter.state, f"{letter.created_at:%Y-%m-%d %H:%M:%S}", letter.reason, str(letter.key))
                for home, letter in letters
            ],
        )
    if any(letter.state == "dead" for _, letter in letters):
        raise typer.Exit(3)


def show(key: _Key, cell: _Cell = None, files: stores.Files = None, json: common.Json = False) -> None:
    """Show one letter, with its bytes.

    Example:

        meridian dlq show mumbai/views.v1/3/0198f3aa-0000-7000-8000-000000000001/42/7
    """
    wanted = _parsed(key)

    async def work(settings: PlatformSettings) -> tuple[str, Letter]:
        async with open_resources(stores.WORKLOAD, settings) as resources:
            return await _find(resources.router, wanted, cell)

    home, letter = stores.run(work(_any(files)))
    details = {**_brief(home, letter), "stamp": letter.stamp.hex(), "body": letter.body.hex()}
    if json:
        common.print_json(details)
    else:
        common.print_table(("FIELD", "VALUE"), [(name, str(value)) for name, value in details.items()])


def replay(
    keys: Annotated[list[str], typer.Argument(metavar="LETTER...", help="As `meridian dlq list` prints them.")],
    cell: _Cell = None,
    files: stores.Files = None,
    json: common.Json = False,
) -> None:
    """Judge letters again with today's code and count what is good; each in one transaction of its own.

    A letter that still cannot be counted stays dead; the others are replayed all the same, and the code is 1.

    Example:

        meridian dlq list --json | jq -r '.[].letter' | xargs meridian dlq replay
    """
    wanted = [_parsed(key) for key in keys]

    async def work(settings: PlatformSettings) -> list[tuple[LetterKey, int, str]]:
        async with open_resources(stores.WORKLOAD, settings) as resources:
            return [(key, *await _replayed(resources.router, key, cell)) for key in wanted]

    done = stores.run(work(_any(files)))
    if json:
        common.print_json([{"letter": str(key), "events": events, "problem": bad or None} for key, events, bad in done])
    else:
        common.print_table(("EVENTS", "PROBLEM", "LETTER"), [(str(n), bad or "-", str(key)) for key, n, bad in done])
    if any(problem for _, _, problem in done):
        raise typer.Exit(1)


def purge(
    reason: Annotated[str, typer.Option("--reason", help="Why these events are given up; kept with each row.")],
    older_than: Annotated[float, typer.Option("--older-than", metavar="HOURS", min=0, help="At least 1.")],
    cell: _Cell = None,
    topic: _Topic = None,
    files: stores.Files = None,
    json: common.Json = False,
) -> None:
    """Give dead letters up for good. The rows stay, marked, with the reason: they say what was not counted.

    Example:

        meridian dlq purge --older-than 72 --reason "load test with a broken client" --topic views.v1
    """
    _known(topic)
    age = timedelta(hours=older_than)

    async def work(settings: PlatformSettings) -> list[tuple[str, LetterKey]]:
        async with open_resources(stores.WORKLOAD, settings) as resources:
            gone: list[tuple[str, LetterKey]] = []
            for home in _homes(resources.router, cell):
                async with resources.router.home_writer(home) as connection:
                    gone += [
                        (home, key) for key in await dead.purge(connection, older_than=age, reason=reason, topic=topic)
                    ]
            return gone

    gone = stores.run(work(_any(files)))
    if json:
        common.print_json([{"cell": home, "letter": str(key)} for home, key in gone])
    else:
        common.print_table(("CELL", "LETTER"), [(home, str(key)) for home, key in gone])
        print(f"{len(gone)} purged")


def _any(files: stores.Files) -> PlatformSettings:
    """Settings of one cell: they lead to the databases of all."""
    return next(iter(stores.settings(files).values()))


def _known(topic: str | None) -> None:
    if topic is not None and topic not in BY_NAME:
        raise typer.BadParameter(f"there is no topic {topic!r}. There are: {', '.join(BY_NAME)}.")


def _parsed(key: str) -> LetterKey:
    try:
        return LetterKey.parse(key)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _homes(router: ShardRouter, cell: str | None) -> tuple[str, ...]:
    if cell is None:
        return router.homes
    if cell not in router.homes:
        raise typer.BadParameter(f"{cell!r} is home of no bucket. There are: {', '.join(router.homes)}.")
    return (cell,)


async def _find(router: ShardRouter, key: LetterKey, cell: str | None) -> tuple[str, Letter]:
    homes = _homes(router, cell)
    for home in homes:
        try:
            async with router.home_writer(home) as connection:
                return home, await dead.found(connection, key)
        except DeadLetterError:
            continue
    raise DeadLetterError(f"there is no letter {key} in the database of {', '.join(homes)}; see `meridian dlq list`")


async def _replayed(router: ShardRouter, key: LetterKey, cell: str | None) -> tuple[int, str]:
    try:
        home, _ = await _find(router, key, cell)
        async with router.home_writer(home) as connection:
            return await dead.replay(connection, key, partial(at_home, router.shards, home)), ""
    except DeadLetterError as error:
        return 0, str(error)


def _brief(home: str, letter: Letter) -> dict[str, JsonValue]:
    return {
        "letter": str(letter.key),
        "cell": home,
        **{name: str(value) if name == "incarnation" else value for name, value in asdict(letter.key).items()},
        "cluster": letter.cluster,
        "log_offset": letter.log_offset,
        "state": letter.state,
        "reason": letter.reason,
        "version": letter.version,
        "created_at": letter.created_at.isoformat(),
        "settled_at": letter.settled_at.isoformat() if letter.settled_at else None,
        "note": letter.note,
    }
