"""Previews from the state of a real account: the installed engine, the official plugins, the configured backend.

Owns how `pulumi` is called there: read only, with the caller's own environment and nothing of the embedded default.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.cache import Report
from local.engine.processes import EngineProcesses
from local.engine.pulumi import EngineError, Project, RunFailedError, UnknownStackError
from local.engine.results import Collector, Operation, Result
from ops.trees import checkout


def preview_all(
    stacks: Sequence[str] | None,
    report: Report,
    parallel: int,
    *,
    refresh: bool = False,
    environment: Mapping[str, str] | None = None,
    project: Project | None = None,
) -> tuple[Result, ...]:
    """Preview ``stacks`` (default: all) against what was deployed, or with ``refresh`` against what is there now.

    Neither writes the state. Raises `EngineError` or `RunFailedError`.
    """
    known = project or checkout().project()
    variables = dict(os.environ if environment is None else environment)
    binary = shutil.which("pulumi", path=variables.get("PATH"))
    if binary is None:
        raise EngineError("--account needs `pulumi` on PATH; install it from https://www.pulumi.com/docs/install/")
    chosen = tuple(stacks or known.stacks)
    for name in chosen:
        if name not in known.stacks:
            raise UnknownStackError(name, known.stacks)
    processes = EngineProcesses(report)

    def one(name: str) -> Result:
        return processes.run(
            Collector(name, Operation.PREVIEW),
            _command(binary, name, known.policy_pack, refresh=refresh),
            known.directory,
            variables,
        )

    with ThreadPoolExecutor(max_workers=parallel) as pool:
        futures = [pool.submit(one, name) for name in chosen]
        try:
            results = tuple(future.result() for future in futures)
        except BaseException:
            processes.interrupt()
            raise
    if not all(result.ok for result in results):
        raise RunFailedError(results)
    return results


def _command(binary: str, stack: str, pack: Path | None, *, refresh: bool) -> list[str]:
    laws = ["--policy-pack", str(pack)] if pack is not None else []
    return [
        binary,
        "preview",
        "--json",
        "--non-interactive",
        f"--refresh={str(refresh).lower()}",
        "--stack",
        stack,
        *laws,
    ]
