"""Cost of a declared footprint and of a change of it, in words. Owns the wording; prices are in ``regions``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ops.review.declared import Declared
from policies.model import Unknown, Value
from regions.catalogue import CATALOGUE, EDGE_CODE, HOME_CODE, Catalogue
from regions.cost import Bill, Change, Delta, Item, bill, compare
from regions.figures import Basis
from regions.prices import PriceError
from regions.stacks import GLOBAL, STEERING, links

MAX_LINES = 12
STANDING = "what is charged for being there"
BY_USE = "and what use costs at the headline loads: delivery, transfer between regions, transcoding, requests, storage"
WITHOUT_USE = "use (delivery, transfer, transcoding) is left out, since one side does not know it"


def items(resources: Iterable[Declared], catalogue: Catalogue = CATALOGUE) -> list[Item]:
    """What is to be priced, in the form that ``regions.cost`` takes."""
    regions = {region.name: region.code for region in catalogue.regions}
    regions |= {link.stack: link.a.code for link in links(catalogue)} | {GLOBAL: HOME_CODE, STEERING: EDGE_CODE}
    return [
        Item(entry.type, entry.urn, str(entry.inputs.get("region") or regions.get(entry.stack, EDGE_CODE)), properties)
        for entry in resources
        if isinstance(properties := _plain(entry.inputs), Mapping)
    ]


def _plain(value: Value) -> object:
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change: what is declared, and what use costs by its facts (None: not known)."""

    resources: tuple[Declared, ...]
    use: Bill | None = None


def delta_in_words(before: Side, after: Side) -> tuple[str, ...]:
    """The lines of the report; none if the bill stays the same. A price that is missing is said, not raised."""
    try:
        bills = [bill(items(side.resources)) for side in (before, after)]
    except PriceError as error:
        return (f"unknown: {error}",)
    includes = f"{STANDING}; {WITHOUT_USE}"
    if before.use is not None and after.use is not None:
        bills = [standing + use for standing, use in zip(bills, (before.use, after.use), strict=True)]
        includes = f"{STANDING}, {BY_USE}"
    delta = compare(*bills)
    return tuple(_lines(delta, includes)) if delta.changes else ()


def _lines(delta: Delta, includes: str) -> Iterable[str]:
    yield f"**{_signed(delta.usd)} a month** on demand: {delta.before:,.0f} → {delta.after:,.0f} USD"
    for change in delta.changes[:MAX_LINES]:
        yield f"{change.component} {change.region}, {_what(change)}: {_signed(change.usd)}"
    rest = delta.changes[MAX_LINES:]
    if rest:
        yield f"{len(rest)} smaller changes: {_signed(sum(change.usd for change in rest))}"
    yield f"Basis: {_basis(delta)}. It is {includes}."


def _what(change: Change) -> str:
    head, _, urn = change.what.rpartition(" ")
    name = f"{head} {urn.rsplit('::', 1)[-1]}".strip()
    sides = [money.how if money else "nothing" for money in (change.before, change.after)]
    return f"{name} ({' → '.join(sides)})" if sides[0] != sides[1] else name


def _signed(usd: float) -> str:
    return f"{'+' if usd >= 0 else '-'}{abs(usd):,.0f} USD"


def _basis(delta: Delta) -> str:
    shares: dict[Basis, float] = defaultdict(float)
    for change in delta.changes:
        money = change.after or change.before
        if money is not None:
            shares[money.basis] += abs(change.usd)
    total = sum(shares.values()) or 1.0
    return ", ".join(
        f"{basis.value} prices for {100 * shares[basis] / total:.0f} % of it" for basis in Basis if shares.get(basis)
    )


def totals(resources: Iterable[Declared]) -> tuple[tuple[str, float], ...]:
    """(part of the bill, USD a month) over all regions, the largest first. Raises `PriceError`."""
    sums: dict[str, float] = defaultdict(float)
    for line in bill(items(resources)).lines:
        sums[line.component] += line.money.usd
    return tuple(sorted(sums.items(), key=lambda entry: -entry[1]))
