"""``python -m tests.fuzz SECONDS``: fuzzes the gateway's parsers with atheris, from the corpus of hostile requests.

Atheris is installed into the cache at the first time. The seeds are the hostile cases of the tests; what it finds
interesting, and the input of a crash, are kept in the cache too. A finding ends the run with an error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local import cache, paths, uv
from local.cache import Artefact

ATHERIS = "3.0.0" if sys.version_info < (3, 12) else "3.1.0"
HERE = Path(__file__).parent


def _install(target: Path) -> None:
    subprocess.run(
        [uv.program(), "pip", "install", "--quiet", "--target", str(target), f"atheris=={ATHERIS}"], check=True
    )


def _fuzz(arguments: list[str]) -> None:
    import atheris  # type: ignore[import-untyped] # installed into the cache, by this module

    with atheris.instrument_imports(include=["services.gateway"]):
        from tests.fuzz.heads import one_input
    atheris.Setup([sys.argv[0], *arguments], one_input)
    atheris.Fuzz()


def main() -> None:
    """Installs, seeds, runs."""
    if sys.argv[1:2] == ["run"]:
        _fuzz(sys.argv[2:])
        return
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    from tests.services.gateway.corpus import CASES

    directory = cache.install(Artefact("fuzz-atheris", ATHERIS, "installing atheris"), _install)
    grown = paths.private_directory(paths.cache() / "fuzz-corpus")
    for number, (data, _) in enumerate(CASES.values()):
        (grown / f"case-{number:03d}").write_bytes(data)
    (grown / "form").write_bytes(b"0123456789A?limit=24&before=0123456789A&unknown=%20")
    command = [sys.executable, "-m", "tests.fuzz", "run", f"-max_total_time={seconds}", "-max_len=4096"]
    command += ["-timeout=10", f"-artifact_prefix={grown}/", str(grown)]
    path = f"{paths.CHECKOUT}:{directory}"
    raise SystemExit(subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode)


if __name__ == "__main__":
    main()
