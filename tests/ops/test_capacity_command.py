"""``meridian capacity`` and ``meridian cost``: tables for people, JSON for programs, and errors with a remedy."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from ops.cli import app
from regions.catalogue import CATALOGUE
from regions.errors import CatalogueError

RUNNER = CliRunner()


def output(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_has_every_part_of_the_region_and_says_what_breaks() -> None:
    text = output("capacity", "--region", "mumbai")
    for part in ("gateway", "transcoder", "database", "cache", "kafka", "nat"):
        assert f"\n{part}" in text
    assert "oregon:" not in text
    assert "- cloudfront bandwidth: 150 Gb/s for each distribution; needed: platform 35,000" in text
    assert "rates, quotas and prices behind this are assumed" in text


def test_the_json_has_every_region_with_sources() -> None:
    data = json.loads(output("capacity", "--json"))
    assert [plan["region"] for plan in data["plans"]] == list(CATALOGUE.names)
    assert all(line["sources"] and line["basis"] for plan in data["plans"] for line in plan["lines"])
    assert {quota["place"] for quota in data["quotas"]} == {"platform", *CATALOGUE.names}


def test_a_smaller_load_needs_less() -> None:
    whole, tenth = (json.loads(output("capacity", "--json", "--load", factor)) for factor in ("1", "0.1"))
    assert whole["plans"][0]["replicas"]["gateway"] > tenth["plans"][0]["replicas"]["gateway"]


def test_the_bill_adds_up_and_has_delivery_and_transcoding() -> None:
    data = json.loads(output("cost", "--json"))
    assert sum(line["usd"] for line in data["lines"]) == pytest.approx(data["usd"], abs=1)
    assert {"delivery", "transcoding", "database", "streaming", "media"} <= {
        line["component"] for line in data["lines"]
    }
    converted = json.loads(output("cost", "--json", "--transcoder", "mediaconvert"))
    (line,) = (one for one in converted["lines"] if one["what"] == "mediaconvert" and one["region"] == "us-west-2")
    assert line["usd"] > 0


def test_one_region_costs_less_than_all() -> None:
    one, every = (json.loads(output("cost", "--json", *region)) for region in (("--region", "oregon"), ()))
    assert 0 < one["usd"] < every["usd"]
    assert {line["region"] for line in one["lines"]} == {"us-west-2"}
    assert "USD a month on demand" in output("cost", "--region", "oregon")


def test_an_unknown_region_or_transcoder_is_refused_with_what_is_allowed() -> None:
    result = RUNNER.invoke(app, ["capacity", "--region", "atlantis"])
    assert isinstance(result.exception, CatalogueError)
    assert "the catalogue has mumbai" in str(result.exception)
    assert RUNNER.invoke(app, ["cost", "--transcoder", "magic"]).exit_code == 2
    assert RUNNER.invoke(app, ["cost", "--load", "0"]).exit_code == 2
