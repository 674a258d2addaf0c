"""The steps of `meridian up` and `meridian down`.

Owns their order. Each step can be repeated, and a run that was interrupted anywhere is continued by the next one. Does
not own how any step works.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from local import cache, dataplane, deployment, gateway_build, inventory, paths, prerequisites
from local.aws_access import RESTART_SECONDS
from local.engine.environment import Attachment
from local.installation import LOCK, Platform, Report, exclusive
from local.ports import PortsError, require_free
from local.processes import emulator, kafka, kafka_install, mirror, page, postgres
from local.processes.program import PreparationError
from local.sequence import PARALLEL, await_ready, start_wave
from local.supervision import Supervisor
from regions.writers import Record
from services.common.migrate import TRY_AGAIN
from services.contracts.settings import CellSettings


def up(platform: Platform) -> str:
    """Bring everything to work; returns the URL to open. Changes nothing that is already as it should be."""
    with exclusive(platform.home):
        check_machine(platform)
        if not platform.writers.is_file():
            platform.write_record(Record())
        attachment, broker, built_page = install(platform)
        jars = mirror.installation(platform.configuration.kafka_home, report=platform.report)
        start_foundation(platform)
        deployment.deploy(platform.home, platform.aws, platform.runner(attachment), platform.report)
        cells = declared_cells(platform, attachment)
        settings = dataplane.platform_settings(tuple(cells.values()), platform.record)
        files = dataplane.write_settings(settings, platform.home)
        start_servers(platform, cells, broker)
        migrate(platform, files)
        start_services(platform, files, jars)
        start_edges(platform, cells, built_page)
        retire_others(platform)
        confirm(platform)
    return dataplane.urls(platform.ports)["front"]


SETTLE_SECONDS: Final = 15.0
"""How long the port of a part that has just died may be in nobody's hands, when the platform already runs."""


def check_machine(platform: Platform) -> None:
    """Everything that is missing, and every port that is taken, before anything starts."""
    kafka_ready = platform.configuration.kafka_home is not None or all(
        cache.installed(jars) for jars in (kafka_install.jars(), kafka_install.mirror_jars())
    )
    prerequisites.require(prerequisites.this_machine(kafka_installed=kafka_ready))
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        ours = platform.supervisor.pids()
        try:
            require_free(platform.ports, ours)
        except PortsError:
            # What was killed a moment ago has left its port to nobody yet, or to a successor that is not seen yet.
            if not ours or time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return


def install(platform: Platform) -> tuple[Attachment, kafka_install.Installation, Path]:
    """What is downloaded or built, once per version: emulator, gateway, engine, Kafka, page."""
    emulator.install(platform.configuration.emulator, platform.report)
    gateway_build.prefer(platform.report)
    attachment = platform.attachment()
    broker = kafka.installation(platform.configuration.kafka_home, report=platform.report)
    return attachment, broker, page.built(report=platform.report)


def start_foundation(platform: Platform) -> None:
    """The supervisor, the emulated AWS, and the providers through which the engine reaches it."""
    platform.supervisor.start()
    for order, programs in enumerate(inventory.foundation(platform)):
        start_wave(platform.supervisor, programs, order, platform.report)


def declared_cells(platform: Platform, attachment: Attachment) -> dict[str, CellSettings]:
    """The settings of the running cells, as their stacks declared them and as they are on this machine."""
    runner = platform.runner(attachment)
    return {
        cell: dataplane.localised(
            dataplane.parse(cell, runner.outputs(cell, show_secrets=True).get("settings")),
            platform.ports,
            platform.record,
        )
        for cell in platform.configuration.cells
    }


def start_servers(platform: Platform, cells: Mapping[str, CellSettings], broker: kafka_install.Installation) -> None:
    """PostgreSQL, Valkey and Kafka of every cell."""
    for order, programs in enumerate(inventory.servers(platform, cells, broker), start=10):
        start_wave(platform.supervisor, programs, order, platform.report)


def migrate(platform: Platform, files: Mapping[str, Path]) -> None:
    """Bring the databases to the present, also ones that are just being restarted. Raises `PreparationError`."""
    arguments = [argument for file in files.values() for argument in ("--settings", str(file))]
    end = time.monotonic() + RESTART_SECONDS
    while True:
        answer = subprocess.run(
            [sys.executable, "-m", "services.common.migrate", *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=paths.CHECKOUT,
            env={"PATH": os.environ.get("PATH", os.defpath), **platform.aws.environment("us-east-1")},
        )
        if answer.returncode != TRY_AGAIN or time.monotonic() > end:
            break
        platform.report("a server that is migrated was away; asking it again")
        time.sleep(1)
    if answer.returncode != 0:
        raise PreparationError(f"the databases could not be migrated: {answer.stderr.strip()[-1500:]}")
    for line in answer.stdout.splitlines():
        if not line.endswith("nothing to do"):
            platform.report(f"migrated {line}")


def start_services(platform: Platform, files: Mapping[str, Path], jars: kafka_install.Installation) -> None:
    """The services of every cell that is not lost, and beside them the replicator, whose start takes as long."""
    programs = (*inventory.services(platform, files), *inventory.replicators(platform, jars))
    start_wave(platform.supervisor, programs, 20, platform.report)


def start_edges(platform: Platform, cells: Mapping[str, CellSettings], built_page: Path) -> None:
    """The edge of every cell, and the front door."""
    for order, programs in enumerate(inventory.edges(platform, cells, built_page), start=30):
        start_wave(platform.supervisor, programs, order, platform.report)


def retire_others(platform: Platform) -> None:
    """Stop what an earlier configuration started and this one does not name."""
    keep = {program.name for program in inventory.programs(platform)}
    retired = platform.supervisor.retain(keep)
    if retired:
        platform.report(f"stopped, as the configuration names them no more: {', '.join(retired)}")


def confirm(platform: Platform) -> None:
    """Wait until every part works at once: one seen at work in its wave may have lost since what it depends on.

    Raises `StartError`.
    """
    with ThreadPoolExecutor(PARALLEL) as pool:
        await_ready(platform.supervisor, inventory.programs(platform), platform.report, pool)


def down(home: Path, report: Report) -> None:
    """Stop and remove all that `up` made, except the cache. Idempotent."""
    if not (home / "supervisor").exists():
        report("nothing runs here, and nothing of it is left")
        return
    with exclusive(home):
        Supervisor(home / "supervisor").stop()
        report("stopped everything")
        postgres.remove(home)
        for path in home.iterdir():
            if path.name == LOCK:
                continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.rmtree(home)
    report(f"removed {home}")
