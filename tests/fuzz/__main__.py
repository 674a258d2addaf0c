"""``python -m tests.fuzz SECONDS``: fuzzes the gateway's parsers with atheris, from the corpus of hostile requests.

Atheris is installed into the cache at the first time. The seeds are the hostile cases of the tests and the kept corpus
beside this file; what it finds interesting, and the input of a crash, go to the cache. A finding ends the run with an
error. ``FUZZ_REPORT`` names a file for the report of a run without one. ``python -m tests.fuzz keep`` makes the kept corpus
anew: the fewest inputs that reach what all those of the cache reach.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from local import cache, paths, uv
from local.cache import Artefact

ATHERIS = "3.0.0" if sys.version_info < (3, 12) else "3.1.0"
KEPT: Final = Path(__file__).parent / "corpus"
_LONGEST: Final = "-max_len=4096"
_WRAPPER: Final = "FUZZ_PROGRAM"
"""Names the program that libFuzzer starts again for itself while it merges."""


def _install(target: Path) -> None:
    subprocess.run(
        [uv.program(), "pip", "install", "--quiet", "--target", str(target), f"atheris=={ATHERIS}"], check=True
    )


def _fuzz(arguments: list[str]) -> None:
    import atheris  # type: ignore[import-untyped] # installed into the cache, by this module

    with atheris.instrument_imports(include=["services.gateway"]):
        from tests.fuzz.heads import one_input
    atheris.Setup([os.environ.get(_WRAPPER, sys.argv[0]), *arguments], one_input)
    atheris.Fuzz()


def _run(arguments: Sequence[str], **variables: str) -> tuple[int, str]:
    """One fuzzer process, shown while it runs; its exit code and what it said."""
    directory = cache.install(Artefact("fuzz-atheris", ATHERIS, "installing atheris"), _install)
    environment = {**os.environ, "PYTHONPATH": f"{paths.CHECKOUT}:{directory}", **variables}
    command = [sys.executable, "-m", "tests.fuzz", "run", *arguments]
    said: list[str] = []
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            said.append(line)
    return process.returncode, "".join(said)


def _grown() -> Path:
    """The corpus of the cache, with every seed in it."""
    from tests.services.gateway.corpus import CASES

    grown = paths.private_directory(paths.cache() / "fuzz-corpus")
    for number, (data, _) in enumerate(CASES.values()):
        (grown / f"case-{number:03d}").write_bytes(data)
    (grown / "form").write_bytes(b"0123456789A?limit=24&before=0123456789A&unknown=%20")
    for file in KEPT.iterdir():
        shutil.copyfile(file, grown / file.name)
    return grown


def report(said: str) -> str:
    """What a run without a finding said, as it is committed. Raises ValueError if it did not run to its end."""
    done = re.search(r"^Done (\d+) runs in (\d+) second", said, re.M)
    reached = re.findall(r"cov: (\d+) ft: (\d+)", said)
    if done is None or not reached:
        raise ValueError("the fuzzer did not say that it is done")
    runs, seconds = int(done[1]), int(done[2])
    branches, features = reached[-1]
    return f"""# An hour of fuzzing

Made by `make fuzz-hour`, {datetime.now(UTC):%Y-%m-%d}. Atheris {ATHERIS}, Python {platform.python_version()}, one process.

| | |
|---|---:|
| inputs | {runs:,} |
| seconds | {seconds:,} |
| branches reached | {branches} |
| features reached | {features} |
| findings | 0 |

The target (`tests/fuzz/heads.py`) holds the parser of heads, its memory of lines, the rewriting of what is handed on, chunked
bodies, forms and the parser of answers to what must be true for any bytes. The kept corpus (`tests/fuzz/corpus`) has
{len(list(KEPT.iterdir()))} inputs; `make test` runs each of them and mutations of them.
"""


def _keep() -> None:
    with tempfile.TemporaryDirectory(prefix="meridian-fuzz-") as scratch:
        wrapper, merged = Path(scratch) / "fuzz", Path(scratch) / "merged"
        wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.fuzz run "$@"\n')
        wrapper.chmod(0o700)
        merged.mkdir()
        code, _ = _run(["-merge=1", _LONGEST, str(merged), str(_grown())], **{_WRAPPER: str(wrapper)})
        if code:
            raise SystemExit(code)
        shutil.rmtree(KEPT)
        shutil.copytree(merged, KEPT)
    print(f"{KEPT}: {len(list(KEPT.iterdir()))} inputs")


def main() -> None:
    """Installs, seeds, runs."""
    match sys.argv[1:]:
        case ["run", *arguments]:
            _fuzz(arguments)
        case ["keep"]:
            _keep()
        case given:
            grown = _grown()
            bounded = f"-max_total_time={int(given[0]) if given else 60}"
            code, said = _run([bounded, _LONGEST, "-timeout=10", f"-artifact_prefix={grown}/", str(grown)])
            target = os.environ.get("FUZZ_REPORT")
            if target and code == 0:
                Path(target).write_text(report(said))
            raise SystemExit(code)


if __name__ == "__main__":
    main()
