"""The data-plane file replaces what the emulator says, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.aws.overlay import Overlay

INSTANCE = "aws:rds/instance:Instance"


def test_an_entry_replaces_outputs_and_the_rest_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "dataplane.json"
    file.write_text(json.dumps({f"{INSTANCE}|ap-south-1|primary": {"address": "127.0.0.1", "port": 21060}}))
    overlay = Overlay(str(file))
    assert overlay.applied(INSTANCE, "ap-south-1", ("primary",), {"address": "x", "arn": "a"}) == {
        "address": "127.0.0.1",
        "port": 21060,
        "arn": "a",
    }
    assert overlay.applied(INSTANCE, "us-west-2", ("primary",), {"address": "x"}) == {"address": "x"}


def test_the_name_serves_where_the_id_is_an_arn(tmp_path: Path) -> None:
    file = tmp_path / "dataplane.json"
    file.write_text(json.dumps({"aws:msk/cluster:Cluster|ap-south-1|mumbai": {"bootstrapBrokersTls": "127.0.0.1:1"}}))
    applied = Overlay(str(file)).applied("aws:msk/cluster:Cluster", "ap-south-1", ("arn:aws:kafka", "mumbai"), {})
    assert applied == {"bootstrapBrokersTls": "127.0.0.1:1"}


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "dataplane.json"
    file.write_text("{}")
    overlay = Overlay(str(file))
    assert overlay.applied(INSTANCE, "r", ("i",), {}) == {}
    file.write_text(json.dumps({f"{INSTANCE}|r|i": {"port": 1}}))
    assert overlay.applied(INSTANCE, "r", ("i",), {}) == {"port": 1}


@pytest.mark.parametrize("content", ["[]", '{"a": {}}', '{"a|b|c": 3}'])
def test_a_malformed_file_says_what_it_must_be(tmp_path: Path, content: str) -> None:
    file = tmp_path / "dataplane.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"type\|region\|identifier"):
        Overlay(str(file)).applied(INSTANCE, "r", ("i",), {})
