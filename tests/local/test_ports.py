import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.ports import (
    EDGE,
    FRONT,
    KAFKA,
    SPAN,
    PortsError,
    free_ports,
    holders,
    instance_name,
    require_free,
    table,
    workload_parts,
)
from regions.catalogue import CATALOGUE
from services.contracts.workloads import WORKLOADS
from tests.local.running import free_table

bases = st.integers(min_value=1024, max_value=65_535 - SPAN * 5)


@given(base=bases, cells=st.lists(st.sampled_from(CATALOGUE.names), min_size=1, unique=True))
def test_no_port_stands_twice_in_the_table_and_all_are_usable(base: int, cells: list[str]) -> None:
    numbers = [port.number for port in table(base, cells).ports]
    assert len(set(numbers)) == len(numbers)
    assert all(1024 <= number <= 65_535 for number in numbers)


@given(base=bases)
def test_a_cell_keeps_its_ports_whichever_other_cells_run(base: int) -> None:
    alone, together = table(base, ["singapore"]), table(base, CATALOGUE.names)
    for port in alone.ports:
        assert together.of(port.part, port.cell) == port.number


def test_every_process_of_every_workload_has_a_port() -> None:
    ports = table(21_000, ["mumbai"])
    for workload in WORKLOADS:
        for number in range(workload.local_instances):
            ports.of(instance_name(workload.name, number, workload.local_instances), "mumbai")
    assert len(workload_parts()) == sum(workload.local_instances for workload in WORKLOADS)


@pytest.mark.parametrize("base", [-5, 0, 80, 1023, 65_100, 70_000])
def test_a_base_that_does_not_fit_is_refused_with_what_would(base: int) -> None:
    with pytest.raises(PortsError, match="choose a base from 1024 to"):
        table(base, ["mumbai"])


def test_what_is_not_in_the_table_has_no_port() -> None:
    ports = table(21_000, ["mumbai"])
    with pytest.raises(KeyError):
        ports.of(KAFKA, "singapore")
    with pytest.raises(KeyError):
        ports.of(KAFKA)


def test_a_taken_port_is_reported_with_who_holds_it_before_anything_starts() -> None:
    ports = free_table(["mumbai"])
    require_free(ports)
    with socket.socket() as first, socket.socket() as second:
        for taken, number in ((first, ports.of(FRONT)), (second, ports.of(EDGE, "mumbai"))):
            taken.bind(("127.0.0.1", number))
            taken.listen()
        with pytest.raises(PortsError) as caught:
            require_free(ports)
        message = str(caught.value)
        assert f"port {ports.of(FRONT)} (front) is held by pid {os.getpid()} (" in message
        assert f"port {ports.of(EDGE, 'mumbai')} (mumbai edge) is held by pid {os.getpid()} (" in message
        assert "MERIDIAN_PORT_BASE" in message
        assert len(holders(ports)) == 2
        require_free(ports, ours={os.getpid()})


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20
