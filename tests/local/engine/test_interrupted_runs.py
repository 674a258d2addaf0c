"""An engine that is killed or interrupted in the middle of a run, and the run after it."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from typing_extensions import override

from local.engine import recovery
from local.engine.pulumi import RunFailedError
from local.kubernetes.provider import KubernetesProvider

if TYPE_CHECKING:
    from tests.local.engine.conftest import Tiny

PROGRAM = """
    cell = Cell("cell", kubeconfig="{}")
    first = Object("first", cell, "v1", "ConfigMap", {"name": "first"}, data={"a": "b"})
    Object("second", cell, "v1", "ConfigMap", {"name": "second"}, data={"first": first.id})
"""


class SlowProvider(KubernetesProvider):
    """Says when the creation of `second` began, and ends it when it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.began = threading.Event()
        self.go_on = threading.Event()

    @override
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        if not request.preview and request.name == "second":
            self.began.set()
            self.go_on.wait(60)
        return super().Create(request, context)


@pytest.fixture
def slow(tmp_path: Path, tiny: "Tiny") -> Iterator[SlowProvider]:
    provider = SlowProvider(tmp_path / "manifests")
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    tiny.ports = {"kubernetes": server.add_insecure_port("127.0.0.1:0")}
    tiny.program(PROGRAM)
    server.start()
    yield provider
    provider.go_on.set()
    server.stop(grace=0).wait()


def test_a_killed_engine_leaves_a_stack_that_the_next_run_recovers(tiny: "Tiny", slow: SlowProvider) -> None:
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(tiny.runner().up, "dev")
        assert slow.began.wait(60)
        (lock,) = recovery.locks(tiny.home / "state", "tiny", "dev")
        assert not lock.stale()
        assert lock.pid is not None
        engine = psutil.Process(lock.pid)
        family = [engine, *engine.children(recursive=True)]
        engine.kill()
        with pytest.raises(RunFailedError):
            run.result(60)
    assert len(family) >= 3, "the engine, its language host and the program"
    _, left = psutil.wait_procs(family, timeout=30)
    assert left == [], "a process outlived its engine"
    slow.go_on.set()

    (lock,) = recovery.locks(tiny.home / "state", "tiny", "dev")
    assert lock.stale()
    pending = recovery.pending_operations(tiny.home / "state", "tiny", "dev")
    assert [operation.split("::")[-1] for operation in pending] == ["second"]

    tiny.said.clear()
    assert tiny.runner().up("dev").changes == {"create": 1, "same": 3}
    said = "\n".join(tiny.said)
    assert f"removed the lock of a run that is gone (process {lock.pid})" in said
    assert "the last run was interrupted (1 operations); repairing its state" in said
    assert recovery.locks(tiny.home / "state", "tiny", "dev") == ()
    assert recovery.pending_operations(tiny.home / "state", "tiny", "dev") == ()


def test_an_interrupted_run_ends_what_it_began_and_leaves_no_lock(tiny: "Tiny", slow: SlowProvider) -> None:
    def interrupt() -> None:
        slow.began.wait(60)
        os.kill(os.getpid(), signal.SIGINT)
        slow.go_on.set()

    # A caller may have started the tests with interrupts ignored.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            tiny.runner().up_all()
    finally:
        signal.signal(signal.SIGINT, usual)
    thread.join()
    assert recovery.locks(tiny.home / "state", "tiny", "dev") == ()
    assert recovery.pending_operations(tiny.home / "state", "tiny", "dev") == ()
    after = tiny.runner().up("dev")
    assert after.ok
    assert sum(after.changes.values()) == 4


def test_a_lock_of_another_machine_is_nobodys_to_remove(tmp_path: Path) -> None:
    directory = tmp_path / ".pulumi" / "locks" / "organization" / "tiny" / "dev"
    directory.mkdir(parents=True)
    (directory / "x.json").write_text('{"pid": 1, "hostname": "another", "username": "u", "timestamp": ""}')
    assert recovery.remove_stale_locks(tmp_path, "tiny", "dev") == ()
    assert len(recovery.locks(tmp_path, "tiny", "dev")) == 1


def test_a_lock_that_was_never_finished_is_removed_once_it_is_old(tmp_path: Path) -> None:
    directory = tmp_path / ".pulumi" / "locks" / "organization" / "tiny" / "dev"
    directory.mkdir(parents=True)
    lock = directory / "x.json"
    lock.write_text('{"pid": ')
    assert recovery.remove_stale_locks(tmp_path, "tiny", "dev") == ()
    os.utime(lock, (0, 0))
    assert len(recovery.remove_stale_locks(tmp_path, "tiny", "dev")) == 1
    assert recovery.locks(tmp_path, "tiny", "dev") == ()


def test_a_process_number_that_another_program_has_now_holds_no_lock(tmp_path: Path) -> None:
    directory = tmp_path / ".pulumi" / "locks" / "organization" / "tiny" / "dev"
    directory.mkdir(parents=True)
    (directory / "x.json").write_text(f'{{"pid": {os.getpid()}, "hostname": "{os.uname().nodename}"}}')
    assert recovery.locks(tmp_path, "tiny", "dev")[0].stale()
