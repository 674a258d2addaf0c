"""A steady crowd before the front door of an installation. Owns who does what how often; what is taken is ``people``'s."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass
from typing import Final

from bench.drill.people import Front, Person

PACE: Final = 0.2
"""Seconds between two beacons from each region."""
DEED_SECONDS: Final = 3.0
"""Between two likes or comments of the same person: below what the platform lets one person do."""


@dataclass(frozen=True)
class Crowd:
    """Strangers who watch, and members who like and comment."""

    front: Front
    members: tuple[Person, ...]
    videos: list[str]
    dice: random.Random

    async def run(self, until: asyncio.Event) -> None:
        """Goes on until told to stop; what is under way then is awaited."""
        async with asyncio.TaskGroup() as group:
            for region in sorted({member.region for member in self.members}):
                group.create_task(self._watch(region, until))
            for member in self.members:
                group.create_task(self._talk(member, until))

    async def _watch(self, region: str, until: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            while not until.is_set():
                group.create_task(self.front.watch(region, self.videos))
                await asyncio.sleep(PACE)

    async def _talk(self, member: Person, until: asyncio.Event) -> None:
        for number in itertools.count():
            if until.is_set():
                return
            video = self.dice.choice(self.videos)
            if number % 5 == 4:
                await self.front.comment(member, video, f"Number {number}.")
            else:
                await self.front.like(member, video, self.dice.random() < 0.7)
            await asyncio.sleep(DEED_SECONDS)
