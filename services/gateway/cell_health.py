"""Whether this cell can serve people, as this gateway finds out by asking its services: what DNS steers by.

Owns the background question and its hysteresis. Does not own `/health/ready` (this process takes requests: what a load
balancer asks about one of many) nor `/health/deep` (the state of everything, for people).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import httpx

from services.contracts.health import DEEP_PATH, READS
from services.contracts.routes import Service
from services.contracts.settings import Endpoint

ESSENTIAL: Final = (Service.ACCOUNTS, Service.CATALOG)
"""Without these nobody signs in or watches. What the others lack is missed, and is no reason to move a region's people."""
INTERVAL_SECONDS: Final = 2.0
ASK_SECONDS: Final = 3.0
"""A service gives each of its dependencies two seconds (`services.common.app.CHECK_SECONDS`)."""
FALLS_AFTER: Final = 3
RISES_AFTER: Final = 2
_log = logging.getLogger(__name__)


class Ask(Protocol):
    """How a service is asked for its deep health."""

    async def __call__(self, endpoint: Endpoint) -> Mapping[str, object]:
        """By dependency, "ok" or what is wrong. Raises OSError, ValueError or an error of httpx if it gives no answer."""


class Steady:
    """A state that follows what is seen only once that was seen several times in a row; the first sight counts at once."""

    def __init__(self, falls_after: int = FALLS_AFTER, rises_after: int = RISES_AFTER) -> None:
        self._after = {False: falls_after, True: rises_after}
        self._against = 0
        self.well: bool | None = None
        """None: nothing was seen yet."""

    def see(self, well: bool) -> None:
        """One more observation."""
        if self.well is None:
            self.well = well
        if well is self.well:
            self._against = 0
            return
        self._against += 1
        if self._against >= self._after[well]:
            self.well, self._against = well, 0


class CellHealth:
    """What this process knows of its cell; kept by `watch`, read by any request for nothing."""

    def __init__(self, services: Mapping[str, Sequence[Endpoint]], ask: Ask) -> None:
        self._endpoints = {service: tuple(services.get(service.value, ())) for service in ESSENTIAL}
        self._ask = ask
        self._states = {service: Steady() for service in ESSENTIAL}

    @property
    def failing(self) -> list[str]:
        """The essential services that cannot serve; all of them before the first look. Empty: the cell is well."""
        return [service.value for service, state in self._states.items() if not state.well]

    async def watch(self) -> None:
        """Looks until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def look(self) -> None:
        """Asks every essential service once."""
        before = self.failing
        results = await asyncio.gather(*(self._serves(endpoints) for endpoints in self._endpoints.values()))
        for state, well in zip(self._states.values(), results, strict=True):
            state.see(well)
        if self.failing != before:
            _log.warning("the cell is %s", f"failing: {', '.join(self.failing)}" if self.failing else "well")

    async def _serves(self, endpoints: Sequence[Endpoint]) -> bool:
        """Whether any of them can read its data."""
        for endpoint in endpoints:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    checks = await self._ask(endpoint)
            except (OSError, ValueError, httpx.HTTPError):
                continue
            if checks.get(READS) == "ok":
                return True
        return False


def over_http(client: httpx.AsyncClient) -> Ask:
    """Asks by HTTP. An answer without checks is a ValueError."""

    async def ask(endpoint: Endpoint) -> Mapping[str, object]:
        answer = await client.get(f"http://{endpoint.host}:{endpoint.port}{DEEP_PATH}")
        body = answer.json()
        checks = body.get("checks") if isinstance(body, dict) else None
        if not isinstance(checks, dict):
            raise ValueError(f"{endpoint.host}:{endpoint.port} answers {DEEP_PATH} without checks")
        return checks

    return ask
