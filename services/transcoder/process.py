"""Runs a program on hostile input: bounded in time, memory, file size and output, and never outliving this process.

Owns the bounds' enforcement. Does not own the command lines, nor what a failure means.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

MEBI = 1024**2
_STDERR_KEPT = 4096
_LINE_LIMIT = 16 * MEBI


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a child may use."""

    seconds: float
    """Wall clock."""
    memory: int
    """Bytes of address space."""
    file_size: int
    """Bytes of the largest file that it may write."""
    output: int = 4 * MEBI
    """Bytes kept of its standard output; more of it is an error."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended."""

    code: int
    """Exit code; negative for the signal that ended it."""
    output: bytes
    complaint: str
    """The end of its standard error."""


class OutOfBoundsError(RuntimeError):
    """The child used more than it may and was killed."""


async def run(argv: Sequence[str], bounds: Bounds, on_line: Callable[[str], None] | None = None) -> Finished:
    """Run `argv` to its end.

    With `on_line`, each line of standard output is passed on instead of being kept. Raises OutOfBoundsError when the
    time or the output is exceeded; when this task is cancelled the child is killed first.
    """
    child = await asyncio.create_subprocess_exec(
        *_bounded(argv, bounds),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_LINE_LIMIT,
    )
    if child.stdout is None or child.stderr is None:
        raise RuntimeError(f"{argv[0]} was started without pipes")
    try:
        async with asyncio.timeout(bounds.seconds):
            output, complaint, code = await asyncio.gather(
                _read_output(child.stdout, bounds, on_line), _read_tail(child.stderr), child.wait()
            )
    except TimeoutError as error:
        raise OutOfBoundsError(f"{Path(argv[0]).name} took more than {bounds.seconds:.0f} s") from error
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
    return Finished(code, output, complaint)


def _bounded(argv: Sequence[str], bounds: Bounds) -> list[str]:
    """`argv` behind util-linux's prlimit and setpriv, so that bounds hold from the first instruction.

    The death signal ends the child when this process is killed, which no clean-up of ours could do.
    """
    wrapper: list[str] = []
    if prlimit := shutil.which("prlimit"):
        wrapper += [prlimit, f"--as={bounds.memory}", f"--fsize={bounds.file_size}", "--core=0", "--"]
    if setpriv := shutil.which("setpriv"):
        wrapper += [setpriv, "--pdeathsig", "KILL", "--no-new-privs", "--"]
    return [*wrapper, *argv]


async def _read_output(stream: asyncio.StreamReader, bounds: Bounds, on_line: Callable[[str], None] | None) -> bytes:
    if on_line is not None:
        while line := await stream.readline():
            on_line(line.decode("utf-8", "replace").rstrip())
        return b""
    kept = bytearray()
    while piece := await stream.read(65536):
        kept += piece
        if len(kept) > bounds.output:
            raise OutOfBoundsError(f"more than {bounds.output} bytes of output")
    return bytes(kept)


async def _read_tail(stream: asyncio.StreamReader) -> str:
    tail = b""
    while piece := await stream.read(65536):
        tail = (tail + piece)[-_STDERR_KEPT:]
    return tail.decode("utf-8", "replace").strip()
