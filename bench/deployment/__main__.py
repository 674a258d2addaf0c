"""Measures the real engine on all stacks against moto: previews with the policy pack, first and second deployment,
refresh, removal. Wall clock depends on what else the machine does, so CPU seconds stand beside it.

Usage: `python -m bench.deployment [--states-at-end] [STACK ...]`; without stacks, all of them. `--states-at-end` writes
a stack's state once instead of at each step, as tests do. Prints a table; asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from local.engine.results import Result
from local.installation import DISPOSABLE, project
from tests.footprint import deployment


def servers_cpu() -> float:
    """CPU seconds of the emulator and the providers so far, which this process has started and not ended."""
    total = 0.0
    for child in psutil.Process().children():
        times = child.cpu_times()
        total += times.user + times.system
    return total


def engines_cpu() -> float:
    """CPU seconds of the engines that have ended, with their programs, policy packs and language hosts."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(name: str, action: Callable[[], Sequence[Result]]) -> None:
    """Run it and print its row."""
    wall, engines, servers = time.monotonic(), engines_cpu(), servers_cpu()
    results = action()
    steps = sum(count for result in results for count in result.changes.values())
    print(
        f"{name:<16} {len(results):>6} {steps:>9} {time.monotonic() - wall:>7.1f} {engines_cpu() - engines:>8.1f}"
        f" {servers_cpu() - servers:>8.1f} {os.getloadavg()[0]:>6.1f}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.deployment", description=__doc__)
    parser.add_argument("--states-at-end", action="store_true")
    parser.add_argument("stacks", nargs="*")
    options = parser.parse_args(arguments)
    stacks = options.stacks or None
    with tempfile.TemporaryDirectory(prefix="meridian-bench-") as scratch:
        directory = Path(scratch)
        with (
            deployment.emulated("moto", directory) as url,
            deployment.attached(
                directory, project(DISPOSABLE), name="moto", url=url, checkpoints=not options.states_at_end
            ) as attached,
        ):
            runner = attached.runner
            print(f"{'operation':<16} stacks resources  wall s  engine s servers s   load")
            measured("preview", lambda: runner.preview_all(stacks))
            measured("up", lambda: runner.up_all(stacks))
            measured("up, unchanged", lambda: runner.up_all(stacks))
            measured("refresh", lambda: runner.refresh_all(stacks))
            measured("destroy", lambda: runner.destroy_all(stacks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
