"""What runs: every program of an installation, in waves.

Owns which programs there are and in which order they start. Does not own how one is made (``processes``) nor when the
waves are started (``platform``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local import dataplane, paths
from local import edges as edge_programs
from local.installation import Platform
from local.processes import emulator, kafka, kafka_install, mirror, postgres, provider, service, valkey
from local.processes.credentials import CellCredentials
from local.processes.program import Program
from services.contracts.settings import CellSettings, PlatformSettings

Waves = tuple[tuple[Program, ...], ...]


def foundation(platform: Platform, *, probing: bool = False) -> Waves:
    """The emulated AWS, and the providers through which the engine reaches it."""
    overlay = dataplane.write_overlay(platform.ports, platform.home, platform.record)
    kind = platform.configuration.emulator
    return (
        (emulator.program(kind, platform.ports, platform.home, probing=probing),),
        provider.programs(platform.ports, platform.aws, kind, overlay, platform.home),
    )


def servers(
    platform: Platform,
    cells: Mapping[str, CellSettings],
    broker: kafka_install.Installation,
    *,
    probing: bool = False,
) -> Waves:
    """PostgreSQL, Valkey and Kafka in waves: what stands alone, then what joins it. Nothing of a lost cell."""
    operator = dataplane.operator_password(platform.home)
    record = platform.record
    waves: list[list[Program]] = [[], []]
    for cell, own in cells.items():
        known = (
            CellCredentials.for_operator(operator) if probing else dataplane.credentials(own, platform.aws, operator)
        )
        database = postgres.layout(cell, platform.ports, platform.home, known, own.database.name, record)
        parts: list[Waves] = [postgres.programs(database)]
        if cell not in record.lost:
            parts.append(
                valkey.programs(valkey.layout(cell, own.cache.master_name, platform.ports, platform.home, known))
            )
            parts.append(((kafka.program(kafka.layout(cell, platform.ports, platform.home, known, broker)),),))
        for part in parts:
            for number, wave in enumerate(part):
                if number == len(waves):
                    waves.append([])
                waves[number] += wave
    return tuple(tuple(wave) for wave in waves)


def replicators(platform: Platform, jars: kafka_install.Installation) -> tuple[Program, ...]:
    """What copies topics between partners that both have a cell here."""
    copier = mirror.layout(
        platform.ports,
        frozenset(platform.record.lost),
        platform.home,
        dataplane.operator_password(platform.home),
        jars,
    )
    return (mirror.program(copier),) if copier.directions else ()


def services(platform: Platform, files: Mapping[str, Path]) -> tuple[Program, ...]:
    """Every service process, from the settings file of each cell."""
    code = service.fingerprint(paths.CHECKOUT / "services", paths.CHECKOUT / "regions")
    return tuple(
        program
        for cell, file in files.items()
        if cell not in platform.record.lost
        for program in service.programs(cell, platform.ports, file, platform.aws, platform.home, code)
    )


def edges(platform: Platform, cells: Mapping[str, CellSettings], built_page: Path) -> Waves:
    """The edge of every cell, and the front door. A lost cell has none; the front goes past it by itself."""
    behind = tuple(
        edge_programs.cell_program(cell, platform.ports, cells, built_page, platform.home)
        for cell in cells
        if cell not in platform.record.lost
    )
    return behind, (edge_programs.front_program(platform.ports, platform.home),)


def programs(platform: Platform) -> tuple[Program, ...]:
    """Everything that runs, in the order of its start, as far as the settings of the cells are known.

    For probes and names only: the passwords of workloads are not read, so none may be started from here.
    """
    found = [program for wave in foundation(platform, probing=True) for program in wave]
    settings = stored_settings(platform)
    if settings:
        cells = {cell: value.own for cell, value in settings.items()}
        files = {cell: platform.home / "settings" / f"{cell}.json" for cell in settings}
        nowhere = kafka_install.Installation(platform.home)
        found += [program for wave in servers(platform, cells, nowhere, probing=True) for program in wave]
        found += replicators(platform, nowhere)
        found += services(platform, files)
        found += [program for wave in edges(platform, cells, platform.home) for program in wave]
    return tuple(found)


def stored_settings(platform: Platform) -> dict[str, PlatformSettings]:
    """The settings files of the configured cells, or nothing if `up` has not come so far for all of them."""
    found: dict[str, PlatformSettings] = {}
    for cell in platform.ports.cells:
        file = platform.home / "settings" / f"{cell}.json"
        if not file.is_file():
            return {}
        try:
            found[cell] = PlatformSettings.model_validate_json(file.read_text(encoding="utf-8"))
        except ValueError:
            # Written by another version; `up` writes it anew.
            return {}
    return found
