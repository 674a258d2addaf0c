from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from services.common.database import Login
from services.common.migrate import TRY_AGAIN, migrate_cell, migrate_database, run
from services.common.migrations import Migration, MigrationError, discover
from services.contracts.settings import Endpoint, PlatformSettings
from tests.servers import OWNER, Cells, database_passwords, free_port


async def test_a_migrated_cell_has_nothing_left_to_do(cells: Cells) -> None:
    outcome = await migrate_cell(cells.settings("mumbai"))

    assert outcome.cell == "mumbai"
    assert outcome.applied == ()


async def test_the_template_holds_every_migration_that_is_in_the_tree(cells: Cells) -> None:
    with psycopg.connect(cells.postgres.admin_text(cells.databases["mumbai"].name)) as connection:
        rows = connection.execute("SELECT service, name, checksum FROM meridian.migrations").fetchall()

    assert {tuple(row) for row in rows} == {(file.service, file.name, file.checksum) for file in discover()}
    assert rows


async def test_a_failing_migration_leaves_nothing_behind_and_can_be_repeated(cells: Cells) -> None:
    bad = Migration("search", 9001, "9001_bad.sql", "CREATE TABLE search.half (id int);\nSELECT 1/0;")
    good = Migration("search", 9001, "9001_bad.sql", "CREATE TABLE search.half (id int);")
    arguments = (
        "mumbai",
        cells.databases["mumbai"],
        Login(OWNER, cells.owner_password),
        database_passwords(cells.valkey.passwords),
    )

    with pytest.raises(MigrationError, match="9001_bad"):
        await migrate_database(*arguments, (*discover(), bad))
    outcome = await migrate_database(*arguments, (*discover(), good))

    assert outcome.applied == ("search/9001_bad.sql",)


def written(settings: PlatformSettings, directory: Path) -> str:
    file = directory / "settings.json"
    file.write_text(settings.model_dump_json())
    return str(file)


async def test_a_database_that_is_away_is_worth_another_try(cells: Cells, tmp_path: Path) -> None:
    settings = cells.settings("mumbai")
    nowhere = settings.own.database.model_copy(update={"writer": Endpoint(host="127.0.0.1", port=free_port())})
    away = settings.model_copy(update={"own": settings.own.model_copy(update={"database": nowhere})})

    assert await run([written(away, tmp_path)]) == TRY_AGAIN
    assert await run([written(settings, tmp_path)]) == 0


async def test_what_no_waiting_mends_is_not_worth_another_try(cells: Cells, tmp_path: Path) -> None:
    settings = cells.settings("mumbai")
    without = settings.model_copy(update={"own": settings.own.model_copy(update={"secrets": {}})})

    assert await run([written(without, tmp_path)]) == 1
