"""A small Route 53: answers a query from a zone's records as the service documents it. Knows nothing of any region.

Rules, from https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html,
dns-failover-complex-configs.html, routing-policy-geo.html and API_AliasTarget.html:

- A record is healthy if its health check is (none: healthy) and, where it evaluates its target, if any record of the
  target's name and type is healthy. An alias to something outside the zone is as healthy as that.
- Geolocation: of the places that hold the caller the smallest whose record is healthy; state, country, continent, and
  the default. No record that applies: no answer.
- Failover: the primary if it is healthy, else the secondary if that is, else the primary.
- If no record of a name is healthy, the answer is as if all were.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One record: an alias with a routing policy, or a plain one."""

    name: str
    type: str
    identifier: str
    target: str
    evaluates: bool
    country: str | None = None
    continent: str | None = None
    failover: str | None = None
    check: str | None = None

    @classmethod
    def declared(cls, inputs: Mapping[str, Any]) -> Entry:
        """From the inputs of a declared record."""
        (alias,) = inputs["aliases"]
        (geo,) = inputs.get("geolocationRoutingPolicies") or [{}]
        (failover,) = inputs.get("failoverRoutingPolicies") or [{}]
        return cls(
            name=inputs["name"],
            type=inputs["type"],
            identifier=inputs.get("setIdentifier", ""),
            target=alias["name"],
            evaluates=alias["evaluateTargetHealth"],
            country=geo.get("country"),
            continent=geo.get("continent"),
            failover=failover.get("type"),
            check=inputs.get("healthCheckId"),
        )


class InvalidChangeError(ValueError):
    """What Route 53 refuses."""


class HostedZone:
    """A zone that takes records one by one and answers queries."""

    def __init__(self, outside: Collection[str]) -> None:
        self._outside = frozenset(outside)
        self._records: dict[tuple[str, str], list[Entry]] = {}

    def add(self, record: Entry) -> None:
        """Add a record. Raises `InvalidChangeError` for what the service refuses."""
        key = (record.name, record.type)
        others = self._records.get(key, [])
        if any(other.identifier == record.identifier for other in others):
            raise InvalidChangeError(f"{record.name} {record.type} {record.identifier} exists")
        if len({_policy(other) for other in (*others, record)}) > 1:
            raise InvalidChangeError(f"{record.name}: one name has records of one policy only")
        if record.failover and not record.evaluates:
            raise InvalidChangeError(f"{record.name}: a failover alias must evaluate its target's health")
        if record.failover and any(other.failover == record.failover for other in others):
            raise InvalidChangeError(f"{record.name}: has a {record.failover} already")
        if _policy(record) == "geo" and any(_place(other) == _place(record) for other in others):
            raise InvalidChangeError(f"{record.name}: {_place(record)} stands twice")
        if record.target not in self._outside and (record.target, record.type) not in self._records:
            raise InvalidChangeError(f"{record.name}: {record.target} has no {record.type} record to lead to")
        self._records.setdefault(key, []).append(record)

    def answer(
        self, name: str, kind: str, *, country: str | None, continent: str | None, unhealthy: Collection[str]
    ) -> str | None:
        """The name outside the zone at which the caller ends; None if there is no answer."""
        if name in self._outside:
            return name
        records = self._records[(name, kind)]
        chosen = self._choose(records, country, continent, unhealthy)
        if chosen is None:
            return None
        return self.answer(chosen.target, kind, country=country, continent=continent, unhealthy=unhealthy)

    def _choose(
        self, records: list[Entry], country: str | None, continent: str | None, unhealthy: Collection[str]
    ) -> Entry | None:
        if _policy(records[0]) == "geo":
            return self._nearest(records, country, continent, unhealthy)
        if _policy(records[0]) == "failover":
            first, *rest = sorted(records, key=lambda record: record.failover or "")
            return next((record for record in (first, *rest) if self._healthy(record, unhealthy)), first)
        return records[0]

    def _nearest(
        self, records: list[Entry], country: str | None, continent: str | None, unhealthy: Collection[str]
    ) -> Entry | None:
        fitting = [record for place in _places(country, continent) for record in records if _place(record) == place]
        healthy = (record for record in fitting if self._healthy(record, unhealthy))
        return next(healthy, fitting[0] if fitting else None)

    def _healthy(self, record: Entry, unhealthy: Collection[str]) -> bool:
        if record.check is not None and record.check in unhealthy:
            return False
        if not record.evaluates or record.target in self._outside:
            return True
        return any(self._healthy(onward, unhealthy) for onward in self._records[(record.target, record.type)])


def _policy(record: Entry) -> str:
    return "failover" if record.failover else "geo" if record.country or record.continent else "simple"


def _place(record: Entry) -> tuple[str | None, str | None]:
    return record.country, record.continent


def _places(country: str | None, continent: str | None) -> Iterable[tuple[str | None, str | None]]:
    if country is not None:
        yield country, None
    if continent is not None:
        yield None, continent
    yield "*", None
