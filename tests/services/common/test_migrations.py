from __future__ import annotations

from pathlib import Path

import pytest

from services.common.migrations import ORDER, Migration, MigrationError, discover, pending

FIRST = Migration("accounts", 1, "0001_first.sql", "SELECT 1;")
SECOND = Migration("accounts", 2, "0002_second.sql", "SELECT 2;")


def tree(root: Path, *names: str, service: str = "accounts") -> Path:
    directory = root / service / "migrations"
    directory.mkdir(parents=True)
    for name in names:
        (directory / name).write_text("SELECT 1;")
    return root


def test_files_are_found_in_the_order_of_services_and_numbers(tmp_path: Path) -> None:
    tree(tmp_path, "0001_z.sql", service="catalog")
    tree(tmp_path, "0002_b.sql", "0001_a.sql", service="accounts")

    assert [(file.service, file.number) for file in discover(tmp_path)] == [
        ("accounts", 1),
        ("accounts", 2),
        ("catalog", 1),
    ]


@pytest.mark.parametrize("names", [("0002_gap.sql",), ("0001_a.sql", "0001_b.sql"), ("1_short.sql",), ("0001_Ä.sql",)])
def test_a_gap_a_repeated_number_or_a_strange_name_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(MigrationError):
        discover(tree(tmp_path, *names))


def test_a_service_without_a_place_in_the_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="ORDER"):
        discover(tree(tmp_path, "0001_a.sql", service="newcomer"))


def test_only_what_was_not_applied_is_pending() -> None:
    assert pending((FIRST, SECOND), {("accounts", 1): FIRST.checksum}) == (SECOND,)


@pytest.mark.parametrize(
    "applied",
    [
        {("accounts", 1): "another checksum"},
        {("accounts", 1): FIRST.checksum, ("accounts", 3): "x"},
        {("accounts", 2): SECOND.checksum},
    ],
)
def test_a_changed_a_vanished_or_an_overtaken_file_is_refused(applied: dict[tuple[str, int], str]) -> None:
    with pytest.raises(MigrationError):
        pending((FIRST, SECOND), applied)


def test_a_file_outside_a_transaction_is_split_into_its_statements() -> None:
    sql = "-- outside a transaction\nCREATE INDEX CONCURRENTLY a ON b (c);\n-- then\nCREATE INDEX CONCURRENTLY d ON e (f);\n"
    migration = Migration("accounts", 1, "0001_x.sql", sql)

    assert not migration.in_transaction
    assert migration.statements == (
        "CREATE INDEX CONCURRENTLY a ON b (c)",
        "CREATE INDEX CONCURRENTLY d ON e (f)",
    )


def test_every_service_with_migrations_has_a_place_in_the_order() -> None:
    assert {migration.service for migration in discover()} <= set(ORDER)
