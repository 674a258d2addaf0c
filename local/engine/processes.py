"""Engine processes: started, followed event by event, and never left behind.

Owns the streams and signals of one `pulumi` process. Does not own what is asked of it (`pulumi`) or what its events mean
(`results`).
"""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from local import cache
from local.engine.results import Collector, Diagnostic, JsonValue, Result, Violation

PROGRESS_EVERY: Final = 10.0
"""Seconds between lines of progress of a stack."""

INTERRUPT_GRACE: Final = 60.0
"""Seconds that an interrupted engine has to end what it began and to save its state."""


class EngineProcesses:
    """The engines that run at present, for one reporter."""

    def __init__(self, report: cache.Report) -> None:
        self._report = report
        self._running: set[subprocess.Popen[str]] = set()
        self._cancelled = threading.Event()

    def run(
        self, collector: Collector, command: Sequence[str], directory: Path, environment: Mapping[str, str]
    ) -> Result:
        """Run an engine to its end, reporting progress, warnings and broken policies on the way."""
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**environment, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # an interrupt from the keyboard is for us; we pass it on once
        )
        with self._watched(process):
            self._follow(process, collector, started)
            code = process.wait()
        result = collector.result(ok=code == 0, seconds=time.monotonic() - started)
        summary = ", ".join(f"{count} {op}" for op, count in sorted(result.changes.items())) or "nothing"
        ending = "done" if result.ok else "FAILED"
        self._report(f"{result.stack}: {result.operation} {ending} in {result.seconds:.1f} s ({summary})")
        return result

    def interrupt(self) -> None:
        """Ask all of them, and those that are about to start, to end."""
        self._cancelled.set()
        for process in tuple(self._running):
            _interrupt(process)

    def _follow(self, process: subprocess.Popen[str], collector: Collector, started: float) -> None:
        """Read both streams to their end."""
        errors: list[str] = []
        outside: list[str] = []
        reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
        reader.start()
        spoken = started
        for line in process.stdout or ():
            event = _event(line)
            if event is None:
                outside.append(line)
                continue
            seen = collector.feed(event)
            if seen is not None:
                self._show(collector.stack, seen)
            now = time.monotonic()
            if now - spoken >= PROGRESS_EVERY:
                spoken = now
                done = ", ".join(f"{count} {op}" for op, count in sorted(collector.done.items()))
                self._report(f"{collector.stack}: {collector.operation}, {now - started:.0f} s: {done or 'starting'}")
        reader.join()
        failed = process.wait() != 0
        for text, severity in (("".join(outside), "info"), ("".join(errors), "error")):
            if text.strip():
                collector.note(severity if failed else "info", text.strip())

    def _show(self, stack: str, seen: Diagnostic | Violation) -> None:
        if isinstance(seen, Violation):
            self._report(f"{stack}: {seen.level} policy {seen.policy}: {seen.message.strip()} [{seen.urn}]")
        elif seen.severity in ("warning", "error"):
            # The first line only: a failure is told in full at the end.
            self._report(f"{stack}: {seen.severity}: {seen.message.strip().split(chr(10), 1)[0]}")

    @contextmanager
    def _watched(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """On any error the engine is asked to stop, so that it saves its state first."""
        self._running.add(process)
        if self._cancelled.is_set():
            _stop(process)
        try:
            yield
        except BaseException:
            _stop(process)
            raise
        finally:
            self._running.discard(process)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _interrupt(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)


def _stop(process: subprocess.Popen[str]) -> None:
    """The engine's own order of stopping: finish what runs and save, then the hard way."""
    _interrupt(process)
    try:
        process.wait(INTERRUPT_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _event(line: str) -> Mapping[str, JsonValue] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and "sequence" in event else None
