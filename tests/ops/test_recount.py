"""``meridian recount`` on a real log and real databases: drift is shown, by its code too."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from services.common import ids
from services.counters.audit import RecountError
from tests.kafka_server import Kafka
from tests.servers import Cells
from tests.services.counters.platform import Platform, counting, eventually, viewed


@pytest.fixture
def counted(cells: Cells, kafka_server: Kafka) -> tuple[Platform, int]:
    """Three views of a video, counted."""
    asyncio.run(kafka_server.empty())
    platform = Platform(cells, kafka_server)
    video = platform.video()

    async def count() -> None:
        await platform.write(platform.record(viewed(video, 3), 1, uuid4()))
        async with counting(platform.settings):
            await eventually("views", partial(platform.views, video), 3)

    asyncio.run(count())
    return platform, video


def recount(platform: Platform, directory: Path, *arguments: str) -> Result:
    file = directory / "mumbai.json"
    file.touch(mode=0o600)
    file.write_text(platform.settings.model_dump_json())
    return CliRunner().invoke(app, ["recount", *arguments, "--settings", str(file), "--json"])


def test_drift_of_a_video_is_found_and_mended_counts_are_not_accused(
    counted: tuple[Platform, int], tmp_path: Path
) -> None:
    platform, video = counted
    name = ids.encode(video)
    answer = recount(platform, tmp_path, name)
    nothing = {"partitions": 4, "events": 3, "behind": 0, "away": [], "drift": []}
    assert (answer.exit_code, json.loads(answer.output)) == (0, nothing)
    platform.change("UPDATE counters.views SET views = 2")
    answer = recount(platform, tmp_path, name)
    (drift,) = json.loads(answer.output)["drift"]
    assert (answer.exit_code, drift["stored"], drift["log"]) == (1, "(2, 0)", "(3, 0)")
    platform.change("UPDATE counters.views SET views = 3")
    assert recount(platform, tmp_path, "--all", "--checkpoint").exit_code == 0
    platform.change("INSERT INTO counters.views (subject, region, views, watched_ms) VALUES (5, 'mumbai', 9, 0)")
    answer = recount(platform, tmp_path, "--all")
    assert (answer.exit_code, json.loads(answer.output)["events"]) == (1, 0)
    assert json.loads(answer.output)["drift"][0]["log"] == "no event"


def test_a_log_that_cannot_answer_is_an_error_and_not_a_clean_result(
    counted: tuple[Platform, int], tmp_path: Path
) -> None:
    platform, video = counted
    asyncio.run(platform.kafka.empty())
    answer = recount(platform, tmp_path, ids.encode(video))
    drifts = [] if isinstance(answer.exception, RecountError) else json.loads(answer.output)["drift"]
    assert answer.exit_code == 1
    assert [drift["what"].split()[0] for drift in drifts] == ["mark", "counts"]


@pytest.mark.parametrize("arguments", [(), ("nonsense!",), ("0A1B2C3D4E5F6", "--all")])
def test_misuse_is_refused(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["recount", *arguments]).exit_code == 2
