"""The language host as a process, spoken to as the engine speaks to it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from local.engine import providers
from local.engine.providers import ProviderCommand, ProviderStartError

# Stands in for the SDK's shim: prints what it was given, then ends as the last argument says.
SHIM = """\
import json, os, signal, sys, time
print(json.dumps({"arguments": sys.argv[1:-1], "config": os.environ["PULUMI_CONFIG"]}), flush=True)
how = sys.argv[-1]
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "sleeping":
    time.sleep(600)
sys.exit(int(how))
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], language_pb2_grpc.LanguageRuntimeStub]]:
    shim = tmp_path / "shim.py"
    shim.write_text(SHIM)
    command = [sys.executable, "-P", "-m", "local.engine.language_host", "--exec", str(shim), "127.0.0.1:1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield process, language_pb2_grpc.LanguageRuntimeStub(channel)
    if process.poll() is None:
        process.kill()
    process.communicate()


def request(how: str) -> language_pb2.RunRequest:
    return language_pb2.RunRequest(
        project="tiny",
        stack="dev",
        dryRun=True,
        parallel=4,
        monitor_address="127.0.0.1:2",
        config={"tiny:a": "b"},
        args=[how],
        info=language_pb2.ProgramInfo(root_directory="/", program_directory="/", entry_point="."),
    )


Host = tuple[subprocess.Popen[str], language_pb2_grpc.LanguageRuntimeStub]


def test_the_end_of_a_program_is_told_to_the_engine(host: Host) -> None:
    process, stub = host
    assert stub.Run(request("0")) == language_pb2.RunResponse()
    assert stub.Run(request("32")) == language_pb2.RunResponse(bail=True), "32 says that the error was shown"
    assert "code 7" in stub.Run(request("7")).error
    assert "SIGKILL" in stub.Run(request("killed")).error

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, ""), "it ends quietly when the engine interrupts it"
    assert out.splitlines()[0].startswith('{"arguments": ["--monitor", "127.0.0.1:2", "--engine", "127.0.0.1:1"')
    assert '"config": "{\\"tiny:a\\": \\"b\\"}"' in out


def test_the_engines_address_comes_with_the_handshake(host: Host) -> None:
    process, stub = host
    stub.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:77"))
    stub.Run(request("0"))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert '"--engine", "127.0.0.1:77"' in out


def test_cancelling_and_ending_leave_no_program_behind(host: Host) -> None:
    process, stub = host
    for end in (lambda: stub.Cancel(empty_pb2.Empty()), lambda: process.send_signal(signal.SIGTERM)):
        call = stub.Run.future(request("sleeping"))
        deadline = time.monotonic() + 30
        while not (programs := psutil.Process(process.pid).children()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(programs) == 1
        end()
        _, left = psutil.wait_procs(programs, timeout=30)
        assert left == []
        call.cancel()


def test_a_plugin_streams_what_it_prints_and_then_its_exit_code(host: Host, tmp_path: Path) -> None:
    _, stub = host
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "__main__.py").write_text(
        "import os, sys\nprint(sys.argv[1], os.environ['GIVEN'])\nprint('warned', file=sys.stderr)\nsys.exit(5)\n"
    )
    info = language_pb2.ProgramInfo(root_directory=str(pack), program_directory=str(pack))
    call = language_pb2.RunPluginRequest(pwd=str(tmp_path), args=["port"], env=["GIVEN=value"], info=info)
    answers = list(stub.RunPlugin(call))
    assert b"".join(answer.stdout for answer in answers) == b"port value\n"
    assert b"".join(answer.stderr for answer in answers) == b"warned\n"
    assert answers[-1].exitcode == 5


def test_the_installed_packages_are_listed(host: Host) -> None:
    _, stub = host
    assert stub.About(language_pb2.AboutRequest()).executable == sys.executable
    every = stub.GetProgramDependencies(language_pb2.GetProgramDependenciesRequest(transitiveDependencies=True))
    direct = stub.GetProgramDependencies(language_pb2.GetProgramDependenciesRequest())
    names = {dependency.name for dependency in every.dependencies}
    assert {"pulumi", "grpcio", "meridian"} <= names
    assert {dependency.name for dependency in direct.dependencies} < names


def test_a_provider_that_cannot_start_says_why(tmp_path: Path) -> None:
    command = ProviderCommand("kubernetes", "local.kubernetes.server", ("--nonsense",), tmp_path / "log")
    with pytest.raises(ProviderStartError, match=r"(?s)kubernetes provider.*--root"), providers.running([command]):
        pass
