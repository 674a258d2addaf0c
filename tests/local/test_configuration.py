from pathlib import Path

import pytest

from local.configuration import Configuration, ConfigurationError, load
from regions.catalogue import CATALOGUE


def test_without_settings_mumbai_and_its_partner_run(tmp_path: Path) -> None:
    assert load({}, tmp_path / "none") == Configuration(("mumbai", "singapore"), 21_000, "ministack", None)


def test_all_means_every_cell_of_the_catalogue(tmp_path: Path) -> None:
    assert load({"CELLS": "all"}, tmp_path / "none").cells == CATALOGUE.names


@pytest.mark.parametrize("text", ["singapore,mumbai", "mumbai singapore", " mumbai ,, singapore,mumbai"])
def test_cells_are_named_in_any_order_and_stand_in_the_order_of_the_catalogue(tmp_path: Path, text: str) -> None:
    assert load({"CELLS": text}, tmp_path / "none").cells == ("mumbai", "singapore")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# cells\nexport CELLS='oregon'\n\nMERIDIAN_PORT_BASE = 30000\n")
    found = load({"CELLS": "frankfurt"}, file)
    assert (found.cells, found.port_base) == (("frankfurt",), 30_000)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("CELLS=paris", r"\.env: CELLS='paris': no cell is called paris. Allowed: all, or some of mumbai, oregon"),
        ("CELLS=,", r"CELLS=',': it is empty"),
        ("MERIDIAN_PORT_BASE=many", r"MERIDIAN_PORT_BASE='many': it is not a whole number"),
        ("MERIDIAN_PORT_BASE=80", r"MERIDIAN_PORT_BASE='80': port base 80 does not fit.*choose a base from 1024"),
        ("MERIDIAN_EMULATOR=aws", r"MERIDIAN_EMULATOR='aws' is unknown. Allowed: ministack, moto, localstack"),
        ("KAFKA_HOME=/nowhere", r"KAFKA_HOME='/nowhere' holds no Kafka"),
        ("CELL=mumbai", r"\.env, line 1: unknown key 'CELL'. Keys: CELLS, MERIDIAN_PORT_BASE"),
        ("CELLS mumbai", r"\.env, line 1: 'CELLS mumbai' is not KEY=value"),
    ],
)
def test_a_malformed_setting_is_reported_with_its_file_its_key_and_what_is_allowed(
    tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=complaint):
        load({}, file)


def test_a_file_that_is_no_text_is_reported(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xff\xfe\x00CELLS")
    with pytest.raises(ConfigurationError, match="cannot be read as UTF-8"):
        load({}, file)


def test_a_kafka_of_the_user_is_taken(tmp_path: Path) -> None:
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "kafka_2.13-4.4.0.jar").touch()
    assert load({"KAFKA_HOME": str(tmp_path)}, tmp_path / "none").kafka_home == tmp_path
