"""The Python language host: the small server through which the Pulumi engine runs Python programs and policy packs.

Owns the `LanguageRuntime` protocol for this project, for the case that the engine was built from its Go modules, where
no packaged host comes with it. Does not own how a program talks to the engine: that is the SDK's exec shim, which this
server starts. Code generation (`GenerateProgram`, `Pack`, …) is not offered; the engine reports those as unimplemented.

Protocol: the engine starts the executable `pulumi-language-python ENGINE_ADDRESS`, reads one line with a port from its
standard output, calls `Handshake`, then `Run` (a program) or `RunPlugin` (a policy pack), and interrupts it at the end.
"""

import argparse
import importlib.metadata
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
from typing_extensions import override

from local.engine import serving

ALREADY_SHOWN = 32
"""The exec shim's exit code for "the error was already shown to the user" (its own constant, SDK v3)."""


PROGRAM = Path(__file__).with_name("program.py")
"""Run by its path, so that the program's interpreter need not have this project installed. It gets `-P`: the module
beside it that is called `pulumi` must not be found in place of the SDK."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves one engine process. `shim` is the SDK's `pulumi-language-python-exec`."""

    def __init__(self, shim: Path, engine_address: str) -> None:
        self._shim = shim
        self._engine_address = engine_address
        self._children = _Children()

    @override
    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Keep the address of the engine, to which programs report diagnostics."""
        self._engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    @override
    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """The version of the SDK that programs will import."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    @override
    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """None: this host is used where providers are attached and nothing may be downloaded."""
        return language_pb2.GetRequiredPackagesResponse()

    @override
    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """None, for the same reason."""
        return language_pb2.GetRequiredPluginsResponse()

    @override
    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Nothing to do: the environment comes from the lock file."""
        return iter(())

    @override
    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        """The interpreter, as `pulumi about` prints it."""
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    @override
    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """The installed distributions; without transitive ones, those that no other distribution requires."""
        installed = {
            _normalised(distribution.metadata["Name"]): distribution
            for distribution in importlib.metadata.distributions()
        }
        required = {
            _normalised(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
            for distribution in installed.values()
            for requirement in distribution.requires or ()
            if "extra ==" not in requirement
        }
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=distribution.version)
                for name, distribution in sorted(installed.items())
                if request.transitiveDependencies or name not in required
            ]
        )

    @override
    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run a program to its end. Its output reaches the engine through this process's own streams."""
        command = [
            interpreter(request.info),
            *("-u", "-P", str(PROGRAM)),
            str(self._shim),
            *("--monitor", request.monitor_address),
            *("--engine", self._engine_address),
            *("--project", request.project),
            *("--root_directory", request.info.root_directory),
            *("--stack", request.stack),
            *("--pwd", request.pwd or request.info.program_directory),
            *("--dry_run", "true" if request.dryRun else "false"),
            *("--parallel", str(request.parallel)),
            *("--organization", request.organization),
            request.info.entry_point or request.program or ".",
            *request.args,
        ]
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        try:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        except OSError as error:
            return language_pb2.RunResponse(error=f"cannot start {command[0]}: {error.strerror}")
        context.add_callback(lambda: _end(process))
        with self._children.holding(process):
            code = process.wait()
        if code == 0:
            return language_pb2.RunResponse()
        if code == ALREADY_SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=_ending(code))

    @override
    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack; stream what it prints, then its exit code."""
        command = [
            interpreter(request.info),
            "-u",
            request.info.program_directory or request.program,
            *request.args,
        ]
        environment = dict(entry.split("=", 1) for entry in request.env if "=" in entry)
        try:
            process = subprocess.Popen(
                command,
                cwd=request.pwd or None,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            message = f"cannot start {command[0]} in {request.pwd}: {error.strerror}\n"
            yield language_pb2.RunPluginResponse(stderr=message.encode())
            yield language_pb2.RunPluginResponse(exitcode=1)
            return
        context.add_callback(lambda: _end(process))
        with self._children.holding(process):
            yield from _output(process)
            yield language_pb2.RunPluginResponse(exitcode=process.wait())

    @override
    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """End whatever runs."""
        self._children.end()
        return empty_pb2.Empty()

    def close(self) -> None:
        """Leave no process behind."""
        self._children.end()


class _Children:
    """The processes that this host started and that have not ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    def holding(self, process: subprocess.Popen[bytes]) -> "_Holding":
        return _Holding(self, process)

    def add(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.add(process)

    def discard(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)

    def end(self) -> None:
        with self._lock:
            running = tuple(self._running)
        for process in running:
            _end(process)


class _Holding:
    def __init__(self, children: _Children, process: subprocess.Popen[bytes]) -> None:
        self._children = children
        self._process = process

    def __enter__(self) -> None:
        self._children.add(self._process)

    def __exit__(self, *_: object) -> None:
        self._children.discard(self._process)


def interpreter(info: language_pb2.ProgramInfo) -> str:
    """The Python of the `virtualenv` option of the project, where that exists; else the one that runs this host."""
    options: Mapping[str, object] = json_format.MessageToDict(info.options)
    name = options.get("virtualenv")
    if isinstance(name, str):
        candidate = Path(info.root_directory, name, "bin", "python")
        if candidate.exists():
            return str(candidate)
    return sys.executable


def _output(process: subprocess.Popen[bytes]) -> Iterator[language_pb2.RunPluginResponse]:
    """Both streams of a process in the order in which they arrive."""
    messages: queue.SimpleQueue[language_pb2.RunPluginResponse | None] = queue.SimpleQueue()

    def pump(stream: IO[bytes], name: str) -> None:
        for line in stream:
            response = language_pb2.RunPluginResponse()
            setattr(response, name, line)
            messages.put(response)
        messages.put(None)

    open_streams = 0
    for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
        if stream is not None:
            open_streams += 1
            threading.Thread(target=pump, args=(stream, name), daemon=True).start()
    while open_streams:
        message = messages.get()
        if message is None:
            open_streams -= 1
        else:
            yield message


def _end(process: subprocess.Popen[bytes]) -> None:
    """Not by an interrupt: Python would print a traceback of no use to anybody."""
    if process.poll() is None:
        process.terminate()


def _ending(code: int) -> str:
    if code < 0:
        return f"the program was killed by signal {signal.Signals(-code).name}"
    return f"the program exited with code {code}; what it printed is above"


def _normalised(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the engine interrupts or ends."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python")
    parser.add_argument("--exec", type=Path, required=True, help="the SDK's pulumi-language-python-exec")
    parser.add_argument("engine", nargs="?", default="", help="address of the engine")
    # The engine may add flags of its own (tracing, root); those that do not matter here are ignored.
    known, _ = parser.parse_known_args(arguments)
    host = LanguageHost(known.exec, known.engine)
    try:
        serving.serve(
            lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server),
            end_with_parent=True,
        )
    finally:
        host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
