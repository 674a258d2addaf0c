"""The supervisor of an installation: one supervisord, told what to run, asked how it does, and stopped.

Owns supervisord's configuration, its socket and the logs. Does not own which programs there are (``processes``) nor
in which order they start (``platform``). supervisord starts nothing by itself, and restarts what dies.
"""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import psutil
from supervisor.xmlrpc import SupervisorTransport

from local import paths
from local.processes.program import Program

LONGEST_SOCKET = 100
"""Bytes: Linux allows 107 for a socket's path, and supervisord binds it with its pid appended first."""
RUNNING = "RUNNING"
STOP_SECONDS = 60.0
"""How long several programs that are to be stopped at once are waited for, before each is waited for by itself."""
_MARK = "MERIDIAN_SUPERVISOR"
"""In the environment of every program: the directory of its supervisor."""
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR")
_GONE = (ConnectionRefusedError, FileNotFoundError)


class SupervisionError(Exception):
    """The supervisor cannot be started, reached or obeyed; the message says why and what to do."""


class _Info(TypedDict):
    """What supervisord says of a process (its API's ``getAllProcessInfo``)."""

    name: str
    statename: str
    pid: int
    start: int
    now: int
    spawnerr: str
    exitstatus: int


@dataclass(frozen=True, slots=True)
class State:
    """One process as the supervisor sees it."""

    name: str
    state: str
    """supervisord's: RUNNING, STARTING, STOPPED, BACKOFF, EXITED, FATAL, ..."""
    pid: int | None
    uptime: int
    """Seconds; 0 when it does not run."""
    problem: str

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self.pid is not None


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The supervisor whose files are in ``directory``."""

    directory: Path

    @property
    def logs(self) -> Path:
        """One log per program."""
        return self.directory / "logs"

    @property
    def socket(self) -> Path:
        """Where it listens: in its directory, or in a private one of the system's when the path would be too long."""
        inside = self.directory / "supervisor.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET:
            return inside
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12]
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 - in a directory of ours, mode 0700
        return runtime / f"meridian-{os.geteuid()}-{digest}" / "supervisor.sock"

    def log(self, name: str) -> Path:
        """The log of one program."""
        return self.logs / f"{name}.log"

    def alive(self) -> bool:
        """Whether it runs and answers."""
        try:
            self._call("getState")
        except SupervisionError:
            return False
        return True

    def start(self, wait: float = 15.0) -> None:
        """Start it, with no program, unless it runs. Raises `SupervisionError`."""
        if self.alive():
            return
        self._end_stale()
        paths.private_directory(self.directory)
        paths.private_directory(self.logs)
        paths.private_directory(self.socket.parent)
        paths.private_directory(self._programs)
        values = {"socket": _value(self.socket), "directory": _value(self.directory)}
        paths.write_private(self._file, _HEAD.format(**values))
        answer = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd="/",
            # What the caller's environment holds is no business of the programs.
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        )
        deadline = time.monotonic() + wait
        while not self.alive():
            if answer.returncode != 0 or time.monotonic() > deadline:
                raise SupervisionError(
                    f"supervisord did not start: {answer.stderr.strip() or answer.stdout.strip() or 'no answer'}. "
                    f"See {self.directory / 'supervisord.log'}."
                )
            time.sleep(0.1)

    def define(self, programs: Sequence[Program], order: int) -> tuple[str, ...]:
        """Make ``programs`` known. A process whose definition changed is stopped.

        ``order`` decides when they are stopped: higher first. Returns the names of those that changed.
        """
        known = self._defined()
        for program in programs:
            # supervisord would restart a process for another order alone; what runs keeps the one that it has.
            text = _section(program, self.log(program.name), order)
            file = self._programs / f"{program.name}.conf"
            kept = _section(program, self.log(program.name), known.get(program.name, order))
            if not (file.is_file() and file.read_text(encoding="utf-8") == kept):
                paths.write_private(file, text)
        return self._reload()

    def retain(self, names: Collection[str]) -> tuple[str, ...]:
        """Stop and forget every program that is not in ``names``; returns those."""
        surplus = [name for name in self._defined() if name not in names]
        for name in surplus:
            (self._programs / f"{name}.conf").unlink()
        self._reload()
        return tuple(surplus)

    def _reload(self) -> tuple[str, ...]:
        added, changed, removed = cast(list[list[list[str]]], self._call("reloadConfig"))[0]
        # All at once: one after the other, each waits for the one before to end in its own time.
        self._halt_all((*changed, *removed), STOP_SECONDS)
        for name in (*changed, *removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("addProcessGroup", name)
        return tuple(changed)

    def launch(self, name: str) -> None:
        """Start a program that is defined, unless it runs. Raises `SupervisionError`."""
        try:
            self._call("startProcess", name, False)
        except SupervisionError as error:
            if "ALREADY_STARTED" not in str(error):
                raise

    def halt(self, name: str, *, wait: bool = True) -> None:
        """Stop a program, unless it is stopped; without ``wait`` it is only told to, and not started again."""
        try:
            self._call("stopProcess", name, wait)
        except SupervisionError as error:
            if "NOT_RUNNING" not in str(error):
                raise

    def states(self) -> dict[str, State]:
        """Every program that it knows, by name; empty when it does not run."""
        try:
            answer = cast(list[_Info], self._call("getAllProcessInfo"))
        except SupervisionError:
            return {}
        return {info["name"]: _state(info) for info in answer}

    def pids(self) -> frozenset[int]:
        """Its own pid and those of everything below it."""
        try:
            root = cast(int, self._call("getPID"))
            return frozenset((root, *(child.pid for child in psutil.Process(root).children(recursive=True))))
        except (SupervisionError, psutil.Error):
            return frozenset()

    def stop(self, wait: float = 90.0) -> None:
        """Stop every program in the reverse of the order in which they are defined, then itself. Idempotent."""
        if not self.alive():
            self._end_stale()
            return
        pids = self.pids()
        order = self._defined()
        for step in sorted(set(order.values()), reverse=True):
            self._halt_all([name for name in order if order[name] == step], wait)
        with contextlib.suppress(SupervisionError):
            self._call("shutdown")
        processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
        _, left = psutil.wait_procs(processes, timeout=wait)
        for process in left:
            process.kill()
        self.socket.unlink(missing_ok=True)
        if self.socket.parent != self.directory and self.socket.parent.is_dir():
            self.socket.parent.rmdir()

    @property
    def _file(self) -> Path:
        return self.directory / "supervisord.conf"

    @property
    def _programs(self) -> Path:
        return self.directory / "programs"

    def _defined(self) -> dict[str, int]:
        """Every program with its order."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(sorted(self._programs.glob("*.conf")), encoding="utf-8")
        return {section.removeprefix("program:"): parser.getint(section, "priority") for section in parser.sections()}

    def _halt_all(self, names: Collection[str], wait: float) -> None:
        """Stop several at once and wait for them."""
        for name in names:
            with contextlib.suppress(SupervisionError):
                self._call("stopProcess", name, False)
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            states = self.states()
            if not any(states[name].running for name in names if name in states):
                return
            time.sleep(0.1)

    def _end_stale(self) -> None:
        """End a supervisord of this directory that does not answer (its socket was deleted, say)."""
        file = self.directory / "supervisord.pid"
        try:
            process = psutil.Process(int(file.read_text()))
            if str(self._file) in process.cmdline():
                process.terminate()
                process.wait(60)
        except (OSError, ValueError, psutil.NoSuchProcess):
            pass
        except psutil.TimeoutExpired:
            process.kill()
        self._end_orphans()

    def _end_orphans(self) -> None:
        """End what a supervisord of this directory started before it was killed. Its programs carry its mark."""
        orphans = [process for process in psutil.process_iter() if _mark_of(process) == str(self.directory)]
        for process in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                # To PostgreSQL this is a fast shutdown, where SIGTERM would wait for its clients.
                process.send_signal(signal.SIGINT)
        _, left = psutil.wait_procs(orphans, timeout=30)
        for process in left:
            process.kill()

    def _call(self, method: str, *arguments: str | bool) -> object:
        transport = SupervisorTransport(serverurl=f"unix://{self.socket}")
        # The address is not used: the transport knows the socket.
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return cast(object, getattr(proxy.supervisor, method)(*arguments))
        except xmlrpc.client.Fault as fault:
            raise SupervisionError(f"supervisord refuses {method}{arguments}: {fault.faultString}") from fault
        except (*_GONE, OSError) as error:
            raise SupervisionError(f"the supervisor does not run ({error}); start it with `meridian up`") from error
        finally:
            transport.close()


_HEAD = """; Written by meridian; changes are overwritten.
[unix_http_server]
file={socket}
chmod=0600

[supervisord]
logfile={directory}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={directory}/supervisord.pid
childlogdir={directory}
directory=/
umask=077
minfds=4096
minprocs=100

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={directory}/programs/*.conf
"""


def _section(program: Program, log: Path, order: int) -> str:
    environment = {**program.environment, _MARK: str(log.parent.parent), "MERIDIAN_FINGERPRINT": program.fingerprint}
    lines = {
        "command": " ".join(_argument(part) for part in program.argv),
        "directory": _value(program.directory),
        "environment": ",".join(f'{key}="{_escaped(value)}"' for key, value in environment.items()),
        "priority": str(order),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "10",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _value(log),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "1",
    }
    if program.user is not None:
        lines["user"] = program.user
    return f"[program:{program.name}]\n" + "".join(f"{key}={value}\n" for key, value in lines.items())


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(_MARK)
    except (psutil.Error, OSError):
        return None


def _value(value: Path | str) -> str:
    """A value of an ini file in which a per cent sign begins an expansion, and `` ;`` or `` #`` a comment."""
    text = str(value)
    if re.search(r"\s[;#]|[\r\n]", text):
        raise SupervisionError(
            f"{text!r} cannot be given to supervisord: it takes what follows a blank and ; or # as a comment. "
            "Choose paths without them."
        )
    return text.replace("%", "%%")


def _argument(text: str) -> str:
    """One word of a command line, which supervisord splits by the shell's rules."""
    return "'" + _value(text).replace("'", "'\"'\"'") + "'"


def _escaped(text: str) -> str:
    """Within quotation marks, which it cannot hold itself."""
    if '"' in text:
        raise SupervisionError("a variable of a program holds a quotation mark, which supervisord cannot take")
    return _value(text)


def _state(info: _Info) -> State:
    pid = info["pid"] or None
    return State(
        name=info["name"],
        state=info["statename"],
        pid=pid,
        uptime=max(0, info["now"] - info["start"]) if pid else 0,
        problem=info["spawnerr"] or (f"ended with status {info['exitstatus']}" if info["exitstatus"] else ""),
    )
