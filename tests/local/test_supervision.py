"""The supervisor and the sequence of a start, with tiny real processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local.aws_access import Emulated
from local.ports import free_ports
from local.processes import service
from local.processes.program import NotReadyError, PreparationError, Program
from local.sequence import StartError, start_wave
from local.supervision import LONGEST_SOCKET, SupervisionError, Supervisor
from services.contracts.workloads import Workload
from tests.local.running import Installation, installation
from tests.local.waiting import until


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home") as found:
        found.supervisor.start()
        yield found


def tiny(made: Installation, name: str = "gateway", **changes: object) -> Program:
    """The tiny service in place of a workload's own module, started as `meridian up` starts services."""
    settings = made.home / "settings.json"
    if not settings.exists():
        settings.write_text("{}")
    workload = Workload(name, "tests.local.tiny_service", 8000, ())
    found = service.programs("mumbai", made.ports, settings, Emulated(1), made.home, "v1", (workload,))[0]
    return replace(found, **changes)  # type: ignore[arg-type] # fields by name


def pid_of(made: Installation, name: str) -> int | None:
    return made.supervisor.states()[name].pid


def test_a_service_is_started_with_what_it_was_promised_and_awaited_until_it_is_ready(made: Installation) -> None:
    program = tiny(made)
    assert start_wave(made.supervisor, [program], 1, print) == ("mumbai-gateway",)
    program.probe()
    with urllib.request.urlopen(f"http://127.0.0.1:{program.port}/") as answer:
        environment = json.load(answer)
    assert environment == {
        "MERIDIAN_SETTINGS": str(made.home / "settings.json"),
        "MERIDIAN_INSTANCE": "0",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "ap-south-1",
        "AWS_ACCESS_KEY_ID": "test",
    }
    assert "serving" in made.supervisor.log("mumbai-gateway").read_text()


def test_a_program_inherits_nothing_of_the_caller_that_would_configure_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")
    with installation(tmp_path / "home") as made:
        made.supervisor.start()
        program = tiny(made)
        start_wave(made.supervisor, [program], 1, print)
        pid = pid_of(made, program.name)
        assert pid is not None
        assert not {"AWS_PROFILE", "JAVA_TOOL_OPTIONS"} & set(psutil.Process(pid).environ())


def test_a_second_start_leaves_processes_alone_and_a_changed_definition_restarts_only_its_own(
    made: Installation,
) -> None:
    programs = [tiny(made), tiny(made, "search")]
    start_wave(made.supervisor, programs, 1, print)
    before = {program.name: pid_of(made, program.name) for program in programs}
    assert start_wave(made.supervisor, programs, 1, print) == ()
    assert {program.name: pid_of(made, program.name) for program in programs} == before

    changed = [programs[0], replace(programs[1], inputs=("another",))]
    assert start_wave(made.supervisor, changed, 1, print) == ("mumbai-search",)
    assert pid_of(made, "mumbai-gateway") == before["mumbai-gateway"]
    assert pid_of(made, "mumbai-search") != before["mumbai-search"]


def test_another_order_of_the_same_definition_restarts_nothing(made: Installation) -> None:
    program = tiny(made)
    start_wave(made.supervisor, [program], 1, print)
    pid = pid_of(made, program.name)
    # A replica that was promoted is started in an earlier wave from then on.
    assert start_wave(made.supervisor, [program], 0, print) == ()
    assert pid_of(made, program.name) == pid


def test_a_crashed_process_is_restarted(made: Installation) -> None:
    program = tiny(made)
    start_wave(made.supervisor, [program], 1, print)
    first = pid_of(made, program.name)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of(made, program.name) not in (None, first))
    until(lambda: _ready(program))


def _ready(program: Program) -> bool:
    try:
        program.probe()
    except NotReadyError:
        return False
    return True


def test_a_process_that_never_gets_ready_is_reported_with_its_probe_and_the_end_of_its_log(
    made: Installation,
) -> None:
    program = tiny(made, ready_seconds=4.0)
    broken = replace(program, environment={**program.environment, "TINY": "broken"})
    with pytest.raises(StartError, match=r"mumbai-gateway: .*refused(?s:.*)no luck today"):
        start_wave(made.supervisor, [broken], 1, print)
    assert start_wave(made.supervisor, [replace(program, ready_seconds=30.0)], 1, print) == ("mumbai-gateway",)


def test_a_process_that_dies_before_it_is_settled_is_waited_for_and_settled_then(made: Installation) -> None:
    asked: list[int | None] = []

    def settle() -> None:
        asked.append(pid_of(made, "mumbai-gateway"))
        if len(asked) == 1:
            os.kill(asked[0] or 0, signal.SIGKILL)
            raise NotReadyError("it went away")

    start_wave(made.supervisor, [tiny(made, settle=settle)], 1, print)
    assert len(asked) == 2
    assert asked[0] != asked[1] is not None


def test_what_settles_never_is_reported(made: Installation) -> None:
    def settle() -> None:
        raise NotReadyError("it takes no topic")

    with pytest.raises(StartError, match="mumbai-gateway: it is ready, but it takes no topic"):
        start_wave(made.supervisor, [tiny(made, settle=settle, ready_seconds=5.0)], 1, print)


def test_a_wave_does_not_start_before_what_it_needs_is_made(made: Installation) -> None:
    def fail() -> None:
        raise PreparationError("no disk")

    program = tiny(made, prepare=fail)
    with pytest.raises(PreparationError, match="no disk"):
        start_wave(made.supervisor, [program], 1, print)
    assert pid_of(made, program.name) is None


def test_stopping_ends_every_process_and_may_be_repeated(made: Installation) -> None:
    start_wave(made.supervisor, [tiny(made), tiny(made, "search")], 1, print)
    pids = made.supervisor.pids()
    assert len(pids) == 3
    made.supervisor.stop()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    made.supervisor.stop()
    assert not made.supervisor.alive()


def test_a_supervisor_that_was_killed_is_replaced_and_its_orphans_are_found_by_their_ports(
    made: Installation,
) -> None:
    program = tiny(made)
    start_wave(made.supervisor, [program], 1, print)
    orphan = pid_of(made, program.name)
    assert orphan is not None
    root = psutil.Process(min(made.supervisor.pids() - {orphan}))
    root.kill()
    root.wait(10)
    made.supervisor.start()
    assert not psutil.pid_exists(orphan)
    assert start_wave(made.supervisor, [program], 1, print) == (program.name,)


def test_what_is_no_longer_named_is_stopped_and_forgotten(made: Installation) -> None:
    start_wave(made.supervisor, [tiny(made), tiny(made, "search")], 1, print)
    assert made.supervisor.retain({"mumbai-gateway"}) == ("mumbai-search",)
    assert set(made.supervisor.states()) == {"mumbai-gateway"}


def test_the_socket_and_the_definitions_are_private(made: Installation) -> None:
    start_wave(made.supervisor, [tiny(made)], 1, print)
    assert stat.S_IMODE(made.supervisor.socket.stat().st_mode) == 0o600
    for file in (made.supervisor.directory / "programs").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_directory_whose_path_is_too_long_for_a_socket_works_all_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    supervisor = Supervisor(deep)
    assert len(os.fsencode(supervisor.socket)) <= LONGEST_SOCKET
    supervisor.start()
    try:
        assert supervisor.alive()
        assert stat.S_IMODE(supervisor.socket.parent.stat().st_mode) == 0o700
    finally:
        supervisor.stop()
    assert not supervisor.socket.parent.exists()


def test_asking_a_supervisor_that_does_not_run_says_how_to_start_it(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    assert supervisor.states() == {}
    assert supervisor.pids() == frozenset()
    with pytest.raises(SupervisionError, match="meridian up"):
        supervisor.launch("anything")


def test_odd_values_reach_a_process_as_they_are(made: Installation) -> None:
    port = free_ports(1)[0]
    odd = "a%b 'c; d\\e $HOME x#"
    code = "import os,sys; print(repr([os.environ['ODD'], sys.argv[1]]), flush=True); import time; time.sleep(60)"
    program = Program(
        part="odd",
        cell=None,
        port=port,
        argv=(sys.executable, "-c", code, odd),
        directory=made.home,
        environment={"ODD": odd},
        probe=lambda: None,
    )
    start_wave(made.supervisor, [program], 1, print)
    until(lambda: repr([odd, odd]) in made.supervisor.log("odd").read_text())


@pytest.mark.parametrize("odd", ["a ;b", "a #b", "a\nb"])
def test_what_supervisord_would_take_for_a_comment_is_refused(made: Installation, odd: str) -> None:
    with pytest.raises(SupervisionError, match="cannot be given to supervisord"):
        made.supervisor.define([tiny(made, argv=("echo", odd))], 1)
