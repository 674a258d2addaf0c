"""A region is lost under load, its partner promoted, and it comes back: every acknowledged event is counted once.

Settings, for longer runs: PROMOTIONS (how many), PROMOTION_PHASE (seconds of a phase), PROMOTION_REPORT (a file).
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.promotion import Plan, Promotion, Report
from tests.faults.promotion_report import render
from tests.faults.region import Regions
from tests.kafka_server import Kafka
from tests.mirror_server import Replicator
from tests.servers import Cells

RUNS = int(os.environ.get("PROMOTIONS", "1"))


@pytest.fixture
async def regions(
    cells: Cells, kafka_server: Kafka, partner_kafka: Kafka, replicator: Replicator, tmp_path: Path
) -> AsyncIterator[Regions]:
    """Two regions with empty logs and fresh databases."""
    await kafka_server.empty()
    await partner_kafka.empty()
    made = Regions(cells, {"mumbai": kafka_server, "singapore": partner_kafka}, replicator, tmp_path)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize("number", range(RUNS))
async def test_every_acknowledged_event_is_counted_once_through_a_promotion_and_a_return(
    regions: Regions, number: int
) -> None:
    seed = int(os.environ.get("FAULT_SEED", random.SystemRandom().randrange(2**32))) + number
    plan = Plan(seed, float(os.environ.get("PROMOTION_PHASE", "3")), rounds=2 if RUNS > 1 else 1)
    report = await Promotion(regions, plan).run()
    text = tell(report)
    assert report.problems == [], text
    assert report.lost == 0, text
    # Without these three a promotion proves nothing.
    assert report.rolled_back > 0, text
    assert report.stranded > 0, text
    assert report.repeated > 0, text
    assert report.direct_lost > 0, text


def tell(report: Report) -> str:
    """The report, also at the end of the file that the settings name."""
    text = render(report)
    print(text)
    if "PROMOTION_REPORT" in os.environ:
        with Path(os.environ["PROMOTION_REPORT"]).open("a") as file:
            file.write(text)
    return text
