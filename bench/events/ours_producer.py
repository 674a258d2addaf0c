"""Ours as a producer: ``python -m bench.events.ours_producer STAGE WARM COUNT``.

The path of ``services.engagement`` from an event to its acknowledgement: placed, encoded, packed, stamped, appended by
an idempotent producer to all in-sync replicas. Events come ten at a time, as a page's beacon brings them, from as many
callers at once as the packer lets wait. What the page does (ids) is done before.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from functools import partial
from itertools import cycle, islice
from uuid import uuid4

import uvloop

from bench.events import stagefile, workload
from bench.events.servers import CELL, SHARDS
from services.contracts.events import Watched, encode_event
from services.engagement import event_ids
from services.engagement.desk import placed
from services.engagement.log import KafkaLog
from services.engagement.packer import Packer

CALLERS = 2_000
AT_ONCE = 10
PREPARED = 20_000


async def _send(packer: Packer, beacons: list[list[Watched]], total: int) -> None:
    """``total`` events by `CALLERS` callers; returns when all are acknowledged."""
    source = iter(islice(cycle(beacons), total // AT_ONCE))

    async def caller() -> None:
        for beacon in source:
            topic, partition = placed(SHARDS, beacon[0])
            await packer.submit(topic, partition, [encode_event(event) for event in beacon])

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def main(path: str, warm: int, count: int) -> None:
    """Warms up, measures, and stays until its input is closed."""
    stage = stagefile.read(path)
    beacons: list[list[Watched]] = []
    for video in workload.videos(PREPARED // AT_ONCE):
        viewer = uuid4().bytes
        ids = [event_ids.make() for _ in range(AT_ONCE)]
        beacons.append(
            [
                Watched(id=one, at_ms=event_ids.time_ms(one), video=video, viewer=viewer, watched_ms=10_000)
                for one in ids
            ]
        )
    packer = Packer(CELL, partial(KafkaLog.connect, stage.connection()))
    try:
        await _send(packer, beacons, warm)
        print("warm", warm, flush=True)
        await _send(packer, beacons, count)
        print("done", count, flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await packer.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
