"""Which emulator a setting means."""

from __future__ import annotations

from typing import Final

from local.emulators.localstack import LocalStack
from local.emulators.ministack import MiniStack
from local.emulators.moto import Moto
from local.emulators.seam import Emulator

DEFAULT: Final = "ministack"
EMULATORS: Final[tuple[Emulator, ...]] = (MiniStack(), Moto(), LocalStack())


def emulator(name: str) -> Emulator:
    """The emulator of that name; raises ValueError with the names there are."""
    found = next((one for one in EMULATORS if one.name == name), None)
    if found is None:
        raise ValueError(f"no emulator {name!r}; there are {', '.join(one.name for one in EMULATORS)}")
    return found
