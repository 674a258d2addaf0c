"""Which servers of a home's database run, and whom each follows, by the recorded promotions. No server is started."""

from __future__ import annotations

from pathlib import Path

from local.ports import POSTGRES, POSTGRES_COPY, table
from local.processes.postgres import Node, seated
from regions import writers
from regions.writers import Record

PORTS = table(21_000, ("mumbai", "singapore"))
ROOT = Path("/data/mumbai")
LOST = writers.lose(Record(), "mumbai")
BACK = writers.bring_back(LOST, "mumbai")
SWAPPED = writers.lose(writers.settle(BACK, "mumbai"), "singapore")


def seats(record: Record) -> dict[str, Node]:
    return {node.name: node for node in seated("mumbai", PORTS, ROOT, record)}


def test_at_the_start_the_home_writes_and_everything_follows_it() -> None:
    nodes = seats(Record())
    assert [name for name, node in nodes.items() if not node.standby] == [POSTGRES[0]]
    primary = PORTS.of(POSTGRES[0], "mumbai")
    assert {node.source_port for node in nodes.values() if node.standby} == {primary}
    assert (nodes[POSTGRES_COPY].cell, nodes[POSTGRES_COPY].port) == ("singapore", PORTS.of(POSTGRES_COPY, "singapore"))


def test_after_the_loss_only_the_promoted_copy_runs_with_the_data_that_it_had() -> None:
    nodes = seats(LOST)
    assert set(nodes) == {POSTGRES_COPY}
    assert not nodes[POSTGRES_COPY].standby
    assert nodes[POSTGRES_COPY].data == seats(Record())[POSTGRES_COPY].data
    # Its configuration names whom it followed, as before: it is not started again for a promotion.
    assert nodes[POSTGRES_COPY].source_port == seats(Record())[POSTGRES_COPY].source_port


def test_after_the_return_the_home_follows_the_copy_with_new_data() -> None:
    nodes = seats(BACK)
    assert [name for name, node in nodes.items() if not node.standby] == [POSTGRES_COPY]
    assert nodes[POSTGRES[0]].source_port == PORTS.of(POSTGRES_COPY, "singapore")
    assert {nodes[part].source_port for part in POSTGRES[1:]} == {PORTS.of(POSTGRES[0], "mumbai")}
    assert not {node.data for name, node in nodes.items() if name in POSTGRES} & {
        node.data for node in seats(Record()).values()
    }


def test_when_the_partner_is_lost_later_the_home_writes_what_it_has_and_the_fork_does_not_run() -> None:
    nodes = seats(SWAPPED)
    assert set(nodes) == set(POSTGRES)
    assert not nodes[POSTGRES[0]].standby
    assert nodes[POSTGRES[0]].data == seats(BACK)[POSTGRES[0]].data


def test_without_its_partner_on_this_machine_a_home_has_no_copy() -> None:
    alone = {node.name for node in seated("mumbai", table(21_000, ("mumbai",)), ROOT, Record())}
    assert alone == set(POSTGRES)
