"""The fixture of the event path."""

from __future__ import annotations

import pytest

from tests.kafka_server import Kafka
from tests.servers import Cells
from tests.services.counters.platform import Platform


@pytest.fixture
async def platform(cells: Cells, kafka_server: Kafka) -> Platform:
    """Fresh databases and an empty log."""
    await kafka_server.empty()
    return Platform(cells, kafka_server)
