"""Rules 11, 12, 13, 15 and 17: states, dead letters, claims of views, locks, and recounts. Each a machine of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.counters.model.small import Machine, Searchable


class Likes(NamedTuple):
    """One user, one video, two regions whose logs are read in any order. Events: (time, liked)."""

    logs: tuple[tuple[tuple[int, bool], ...], tuple[tuple[int, bool], ...]] = ((), ())
    read: tuple[int, int] = (0, 0)
    seen: tuple[int, bool] = (0, False)
    total: int = 0


def _like_steps(state: Likes, rules: frozenset[str]) -> Iterator[tuple[str, Likes]]:
    sent = len(state.logs[0]) + len(state.logs[1])
    for region in (0, 1):
        for liked in (True, False) if sent < 2 else ():
            logs = list(state.logs)
            logs[region] = (*logs[region], (sent + 1, liked))
            text = f"at {sent + 1} the user {'likes' if liked else 'takes the like back'} in region {region + 1}"
            yield text, state._replace(logs=(logs[0], logs[1]))
        if state.read[region] < len(state.logs[region]):
            at, liked = state.logs[region][state.read[region]]
            read = (state.read[0] + (region == 0), state.read[1] + (region == 1))
            if "state" not in rules:
                yield (
                    f"region {region + 1}: {'+1' if liked else '-1'} is added",
                    state._replace(read=read, total=state.total + (1 if liked else -1)),
                )
            elif at > state.seen[0]:
                moved = state.total + int(liked) - int(state.seen[1])
                yield (
                    f"region {region + 1}: the newer state moves the count",
                    state._replace(read=read, seen=(at, liked), total=moved),
                )
            else:
                yield f"region {region + 1}: an older state changes nothing", state._replace(read=read)


def _likes_wrong(state: Likes) -> str | None:
    events = sorted((*state.logs[0], *state.logs[1]))
    if sum(state.read) < len(events):
        return None
    right = int(events[-1][1]) if events else 0
    return None if state.total == right else f"one user's last word is {right}, and the count is {state.total}"


LIKES = Machine(
    "likes", {"state": "11: likes are a state, the last writer wins, the count moves by old and new"}, Likes(),
    _like_steps, _likes_wrong,
)  # fmt: skip


class Letter(NamedTuple):
    """One poisoned event; its offset, its letter, and its replay after the code was mended."""

    passed: bool = False
    letters: int = 0
    settled: bool = False
    counted: int = 0
    dead: bool = False
    replays: int = 0


def _letter_steps(state: Letter, rules: frozenset[str]) -> Iterator[tuple[str, Letter]]:
    one = "row" in rules
    if not state.passed:
        if one:
            yield "one transaction stores the letter and moves the offset", state._replace(passed=True, letters=1)
        else:
            yield "the offset moves; the letter goes to another system afterwards", state._replace(passed=True)
            yield "the process dies between the two", state._replace(passed=True, dead=True)
    if state.passed and not one and not state.letters and not state.dead:
        yield "the letter is sent", state._replace(letters=1)
    if state.letters and not state.settled and state.replays < 2:
        again = state.replays + 1
        if "flip" in rules:
            done = state._replace(counted=state.counted + 1, settled=True, replays=again)
            yield "replay counts the event and flips the row in one transaction", done
        else:
            yield (
                "replay counts the event and dies before it flips the row",
                state._replace(counted=state.counted + 1, replays=again),
            )


def _letter_wrong(state: Letter) -> str | None:
    if state.counted > 1:
        return f"the event is counted {state.counted} times"
    return "the event is past the offset, and there is no letter of it" if state.dead and not state.letters else None


LETTERS = Machine(
    "dead letters",
    {
        "row": "12: a dead letter is a row in the transaction that moves the offset",
        "flip": "12: replay flips the row in the transaction that counts",
    },
    Letter(),
    _letter_steps,
    _letter_wrong,
)


class Claim(NamedTuple):
    """One view: the claim, the log, the client's answers."""

    claimed: str | None = None
    """By which event."""
    logged: int = 0
    tries: int = 0
    asked: bool = False
    refused: bool = False


def _claim_steps(state: Claim, rules: frozenset[str]) -> Iterator[tuple[str, Claim]]:
    if not state.asked and state.tries < 2 and not state.logged and not state.refused:
        yield (
            "the client sends the view, under the same id" if state.tries else "the client sends the view",
            state._replace(asked=True, tries=state.tries + 1),
        )
    if state.asked:
        free = state.claimed is None
        mine = state.claimed == "view" and "bound" in rules
        if "before" not in rules:
            yield "the view is produced, and claimed afterwards", state._replace(asked=False, logged=state.logged + 1)
            if state.logged < 2:
                yield (
                    "two tabs send it at once: both are produced before either claims",
                    state._replace(asked=False, logged=state.logged + 2),
                )
        elif free or mine:
            yield "it is claimed and produced", state._replace(asked=False, claimed="view", logged=state.logged + 1)
            if state.tries == 1:
                yield "it is claimed; producing fails", state._replace(asked=False, claimed="view")
        else:
            yield "the claim is taken: the view is refused as a repetition", state._replace(asked=False, refused=True)


def _claim_wrong(state: Claim) -> str | None:
    if state.logged > 1:
        return "one viewer's view is in the log twice"
    return "the view is gone: it is claimed and not in the log" if state.refused and not state.logged else None


CLAIMS = Machine(
    "claims",
    {
        "before": "13: a view is claimed before it is logged",
        "bound": "13: a claim is bound to the event's id, so that a retry passes",
    },
    Claim(),
    _claim_steps,
    _claim_wrong,
)


class Lock(NamedTuple):
    """Two owners and the row of an offset."""

    holder: int | None = None
    stopped: bool = False
    waited: int = 0


def _lock_steps(state: Lock, rules: frozenset[str]) -> Iterator[tuple[str, Lock]]:
    if state.holder is None:
        yield "owner 1 locks the offset in its transaction", state._replace(holder=1)
    elif not state.stopped:
        yield "owner 1 is stopped in the middle", state._replace(stopped=True)
    elif state.waited < 10:
        yield "owner 2 waits for the offset, a second", state._replace(waited=state.waited + 1)
    elif state.waited == 10:
        if "timeout" in rules:
            yield "the database ends the idle transaction", Lock()
        else:
            yield "owner 2 waits on", state._replace(waited=11)


LOCKS = Machine(
    "locks",
    {"timeout": "15: an idle transaction ends after at most 10 s"},
    Lock(),
    _lock_steps,
    lambda state: "nothing is counted as long as owner 1 is stopped" if state.waited > 10 else None,
)


class Log(NamedTuple):
    """Three records, the oldest of which retention removes; a checkpoint; a recount."""

    sent: int = 0
    first: int = 0
    """Oldest record that is retained."""
    checkpoint: tuple[int, int] | None = None
    """Offset, and the count up to there."""
    recount: int | None = None


def _log_steps(state: Log, rules: frozenset[str]) -> Iterator[tuple[str, Log]]:
    if state.sent < 3:
        yield f"record {state.sent + 1} is counted", state._replace(sent=state.sent + 1, recount=None)
    if state.checkpoint is None and "checkpoint" in rules:
        yield f"a checkpoint is taken at offset {state.sent}", state._replace(checkpoint=(state.sent, state.sent))
    covered = state.checkpoint[0] if state.checkpoint is not None else 0
    if state.first < state.sent and (state.first < covered or "checkpoint" not in rules):
        yield f"retention removes record {state.first + 1}", state._replace(first=state.first + 1, recount=None)
    start, count = state.checkpoint or (0, 0)
    yield "a recount", state._replace(recount=count + state.sent - max(start, state.first))


def _log_wrong(state: Log) -> str | None:
    if state.recount is None or state.recount == state.sent:
        return None
    return f"the recount says {state.recount}, and {state.sent} were counted"


RECOUNTS = Machine(
    "recounts",
    {"checkpoint": "17: a recount starts from a checkpoint, and retention never passes it"},
    Log(),
    _log_steps,
    _log_wrong,
)

RECORDS: tuple[Searchable, ...] = (LIKES, LETTERS, CLAIMS, LOCKS, RECOUNTS)
