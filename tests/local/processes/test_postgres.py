import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from local.processes import postgres
from local.processes.credentials import CellCredentials, Login
from local.processes.program import NotReadyError
from tests.local.processes.conftest import DataPlane
from tests.local.waiting import until


def connect(plane: DataPlane, user: str, password: str, database: str, node: int = 0) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1",
        port=plane.postgres.nodes[node].port,
        user=user,
        password=password,
        dbname=database,
        connect_timeout=5,
        autocommit=True,
    )


def test_both_replicas_show_what_was_written_to_the_primary_and_take_no_writes(dataplane: DataPlane) -> None:
    owner = dataplane.credentials.owner
    with connect(dataplane, owner.user, owner.password, postgres.DATABASE) as primary:
        primary.execute("CREATE TABLE IF NOT EXISTS written (value int)")
        primary.execute("INSERT INTO written VALUES (42)")
        position = primary.execute("SELECT pg_current_wal_lsn()").fetchone()
    assert position is not None
    for node in (1, 2):
        with connect(dataplane, owner.user, owner.password, postgres.DATABASE, node) as replica:
            until(partial(_reached, replica, position[0]))
            assert replica.execute("SELECT value FROM written").fetchone() == (42,)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                replica.execute("INSERT INTO written VALUES (43)")


def _reached(replica: psycopg.Connection, position: str) -> bool:
    row = replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (position,)).fetchone()
    return row == (True,)


def test_the_owner_may_make_schemas_and_roles_and_is_no_superuser(dataplane: DataPlane) -> None:
    owner = dataplane.credentials.owner
    with connect(dataplane, owner.user, owner.password, postgres.DATABASE) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS of_the_owner")
        connection.execute("DROP ROLE IF EXISTS made_by_owner")
        connection.execute("CREATE ROLE made_by_owner")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("ALTER SYSTEM SET work_mem = '1GB'")


@pytest.mark.parametrize(
    ("user", "password", "database"),
    [
        ("meridian_owner", lambda known: "wrong", postgres.DATABASE),
        ("meridian_owner", lambda known: known.owner.password, "postgres"),
        (postgres.REPLICATOR, lambda known: known.operator, postgres.DATABASE),
        (postgres.REPLICATOR, lambda known: known.operator, "postgres"),
        (postgres.SUPERUSER, lambda known: "", "postgres"),
    ],
    ids=["wrong password", "another database", "replicator reads", "replicator reads postgres", "no password"],
)
def test_nobody_else_gets_in(
    dataplane: DataPlane, user: str, password: Callable[[CellCredentials], str], database: str
) -> None:
    with pytest.raises(psycopg.OperationalError):
        connect(dataplane, user, password(dataplane.credentials), database)


def test_a_new_owner_password_is_adopted(dataplane: DataPlane) -> None:
    old = dataplane.credentials.owner
    fresh = replace(dataplane.credentials, owner=Login(old.user, "another-one"))
    try:
        postgres.bootstrap(replace(dataplane.postgres, credentials=fresh))
        connect(dataplane, old.user, "another-one", postgres.DATABASE).close()
        with pytest.raises(psycopg.OperationalError):
            connect(dataplane, old.user, old.password, postgres.DATABASE)
    finally:
        postgres.bootstrap(dataplane.postgres)
    connect(dataplane, old.user, old.password, postgres.DATABASE).close()


def test_a_killed_primary_is_restarted_with_what_it_had_acknowledged(dataplane: DataPlane) -> None:
    owner = dataplane.credentials.owner
    with connect(dataplane, owner.user, owner.password, postgres.DATABASE) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    pid = dataplane.pids()["mumbai-postgres-primary"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: dataplane.pids()["mumbai-postgres-primary"] not in (None, pid), seconds=60)
    until(lambda: _well(lambda: postgres.check_primary(dataplane.postgres)), seconds=60)
    for node in dataplane.postgres.nodes[1:]:
        until(partial(_well, partial(postgres.check_replica, dataplane.postgres, node)), seconds=60)
    with connect(dataplane, owner.user, owner.password, postgres.DATABASE) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)


def test_a_replica_that_does_not_stream_is_not_ready(dataplane: DataPlane) -> None:
    node = replace(dataplane.postgres.nodes[1], name="postgres-replica-9")
    with pytest.raises(NotReadyError, match="does not stream"):
        postgres.check_replica(dataplane.postgres, node)


def test_the_configuration_of_a_replica_names_its_own_slot_and_never_the_password(dataplane: DataPlane) -> None:
    for node in dataplane.postgres.nodes[1:]:
        text = postgres.configuration(dataplane.postgres, node)
        assert f"primary_slot_name = '{node.slot}'" in text
        assert dataplane.credentials.operator not in text


def _well(probe: Callable[[], None]) -> bool:
    try:
        probe()
    except NotReadyError:
        return False
    return True
