"""``python -m bench.gateway.quote``: the table that the README quotes, from the committed data of the gateway bench.

Owns where it stands and which columns it has. Does not own what counts nor how it is paired (``measure``, ``report``).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.gateway.measure import Round
from bench.gateway.peers import OURS
from bench.gateway.report import ratios

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT / "bench" / "results" / "gateway.json"
README: Final = ROOT / "README.md"
_PLACE: Final = re.compile(r"(?<=<!-- bench-gateway -->\n).*?(?=<!-- end -->)", re.DOTALL)


class Data(msgspec.Struct, frozen=True):
    """What is read of the bench's data."""

    jobs: Mapping[str, str]
    rounds: Mapping[str, Sequence[Round]]


def read() -> Data:
    """The committed data."""
    return msgspec.json.decode(DATA.read_bytes(), type=Data)


def table(data: Data) -> str:
    """Peer, what it does, CPU of a request, and that by ours, paired by round; medians of the rounds that count."""
    lines = ["| | does | CPU µs a request | by ours |", "|---|---|---:|---:|"]
    for peer, rounds in data.rounds.items():
        cpu = [one.cpu_us for one in rounds if one.valid]
        paired = ratios(rounds, data.rounds.get(OURS, ()))
        lines.append(f"| {peer} | {data.jobs[peer]} | {_median(cpu, 1)} | {_median(paired, 2)} |")
    return "\n".join(lines) + "\n"


def _median(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f}" if values else "no valid round"


def quoted(readme: str, quote: str) -> str:
    """The README with the quote in its place. Raises `ValueError` if it has no place for it."""
    if not _PLACE.search(readme):
        raise ValueError("README.md has lost the marks between which the bench's table stands")
    return _PLACE.sub(lambda _: quote, readme)


def main() -> None:
    """Bring the README to the committed data."""
    README.write_text(quoted(README.read_text(encoding="utf-8"), table(read())), encoding="utf-8")


if __name__ == "__main__":
    main()
