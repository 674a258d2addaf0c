"""The settings of the embedded default: which cells run, on which ports, on which emulator.

Owns the keys and their allowed values, and where they come from: the environment first, then the file ``.env`` of the
checkout. Does not own what the stacks are configured with (``Pulumi.<stack>.yaml``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import paths
from local.emulators.choice import DEFAULT, EMULATORS
from local.ports import DEFAULT_BASE, PortsError, table
from regions.catalogue import CATALOGUE

CELLS_KEY, BASE_KEY, EMULATOR_KEY, KAFKA_KEY = "CELLS", "MERIDIAN_PORT_BASE", "MERIDIAN_EMULATOR", "KAFKA_HOME"
KEYS = (CELLS_KEY, BASE_KEY, EMULATOR_KEY, KAFKA_KEY)
EMULATOR_NAMES = tuple(emulator.name for emulator in EMULATORS)
DEFAULT_CELLS = ("mumbai", "singapore")
FILE = paths.CHECKOUT / ".env"

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


class ConfigurationError(Exception):
    """A setting is malformed; the message names where it stands, the key and the allowed values."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One installation."""

    cells: tuple[str, ...]
    """Cells that run, in catalogue order. All stacks are deployed, whatever runs."""
    port_base: int
    emulator: str
    kafka_home: Path | None
    """An unpacked Kafka to use instead of the jars from Maven Central."""


def load(environment: Mapping[str, str] | None = None, file: Path = FILE) -> Configuration:
    """The configuration of this installation. Raises `ConfigurationError`."""
    values = environment if environment is not None else os.environ
    stated = {key: (values[key], "the environment") for key in KEYS if values.get(key)}
    if file.is_file():
        for key, value in _parse(file).items():
            stated.setdefault(key, (value, str(file)))
    return Configuration(
        cells=_cells(*stated.get(CELLS_KEY, (",".join(DEFAULT_CELLS), "the default"))),
        port_base=_base(*stated.get(BASE_KEY, (str(DEFAULT_BASE), "the default"))),
        emulator=_emulator(*stated.get(EMULATOR_KEY, (DEFAULT, "the default"))),
        kafka_home=_kafka(*stated[KAFKA_KEY]) if KAFKA_KEY in stated else None,
    )


def _parse(file: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read as UTF-8 text: {error}. Correct or remove it.") from error
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise ConfigurationError(f"{file}, line {number}: {text!r} is not KEY=value. Keys: {', '.join(KEYS)}.")
        key, value = match[1], match[2].strip()
        if key not in KEYS:
            raise ConfigurationError(f"{file}, line {number}: unknown key {key!r}. Keys: {', '.join(KEYS)}.")
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[key] = value
    return values


def _cells(text: str, source: str) -> tuple[str, ...]:
    if text.strip() == "all":
        return CATALOGUE.names
    names = {part for part in re.split(r"[,\s]+", text.strip()) if part}
    unknown = sorted(names - set(CATALOGUE.names))
    if unknown or not names:
        raise ConfigurationError(
            f"{source}: {CELLS_KEY}={text!r}: {'no cell is called ' + ', '.join(unknown) if unknown else 'it is empty'}. "
            f"Allowed: all, or some of {', '.join(CATALOGUE.names)}, separated by commas."
        )
    return tuple(name for name in CATALOGUE.names if name in names)


def _base(text: str, source: str) -> int:
    try:
        base = int(text)
        table(base, CATALOGUE.names)
    except (ValueError, PortsError) as error:
        reason = str(error) if isinstance(error, PortsError) else "it is not a whole number"
        raise ConfigurationError(f"{source}: {BASE_KEY}={text!r}: {reason}. Example: {DEFAULT_BASE}.") from error
    return base


def _emulator(text: str, source: str) -> str:
    if text not in EMULATOR_NAMES:
        raise ConfigurationError(f"{source}: {EMULATOR_KEY}={text!r} is unknown. Allowed: {', '.join(EMULATOR_NAMES)}.")
    return text


def _kafka(text: str, source: str) -> Path:
    home = Path(text)
    if not any(home.glob("libs/kafka_2.13-*.jar")):
        raise ConfigurationError(
            f"{source}: {KAFKA_KEY}={text!r} holds no Kafka (libs/kafka_2.13-*.jar). "
            "Name the directory of an unpacked Apache Kafka 4, or remove the key to have it installed."
        )
    return home
