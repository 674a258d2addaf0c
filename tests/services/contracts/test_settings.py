"""Settings: round trip, and malformed ones are refused with cause."""

import json
from pathlib import Path
from typing import Any

import pytest

from regions.buckets import SHARD_MAP, deal
from services.contracts.settings import PlatformSettings, Shards, load


def platform() -> dict[str, Any]:
    database = {
        "name": "meridian",
        "writer": {"host": "127.0.0.1", "port": 1},
        "readers": [],
        "tls": "disable",
        "owner": {"arn": "a", "region": "ap-south-1"},
    }
    return {
        "own": {
            "cell": "mumbai",
            "region": "ap-south-1",
            "account": "0",
            "domain": "meridian.test",
            "transcoder": "ffmpeg",
            "rendition_minutes": 1_000,
            "database": database,
            "cache": {"mode": "single", "endpoints": [], "master_name": "mumbai", "tls": False},
            "kafka": {"brokers": [], "auth": "plain", "tls": False, "replication_factor": 1},
            "buckets": {"uploads": "u", "media": "m", "page": "p"},
            "queues": {"transcode": "t", "transcode_dead": "d"},
            "tokens": {"key_arn": "k", "issuer": "i", "audience": "a"},
            "hosts": {"api": "https://a", "media": "https://m", "page": "https://p"},
            "secrets": {},
        },
        "peers": {"singapore": {"cell": "singapore", "region": "ap-southeast-1", "database": database, "secrets": {}}},
        "shards": Shards.of(deal(("mumbai", "singapore"))).model_dump(),
    }


def test_settings_survive_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(platform()))
    settings = load(str(path))
    assert PlatformSettings.model_validate_json(settings.model_dump_json()) == settings
    assert settings.cells == ("mumbai", "singapore")
    assert settings.database("singapore").name == "meridian"


def test_the_shard_map_survives_its_settings_form() -> None:
    assert Shards.of(SHARD_MAP).map() == SHARD_MAP


def test_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    wrong = platform()
    wrong["own"]["databse"] = {}
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(SystemExit, match="databse"):
        load(str(path))


def test_missing_settings_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MERIDIAN_SETTINGS", raising=False)
    with pytest.raises(SystemExit, match="make up"):
        load()
    with pytest.raises(SystemExit, match="cannot be read"):
        load(str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("copied", "tended"),
    [((), ("mumbai",)), (("singapore",), ("mumbai", "singapore")), (("mumbai",), ("mumbai",))],
    ids=["all here", "partner away", "returning"],
)
def test_a_cell_looks_after_the_database_of_a_partner_that_is_away(
    copied: tuple[str, ...], tended: tuple[str, ...]
) -> None:
    settings = PlatformSettings.model_validate(platform() | {"copied": copied})
    assert settings.tended == tended
