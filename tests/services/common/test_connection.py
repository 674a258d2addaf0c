"""What libpq is told: whose certificates the server's is checked against, and nothing of it where there is no TLS."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from services.common.database import Login, PoolOptions, connection_text
from services.contracts.settings import RDS_AUTHORITIES, DatabaseSettings, Endpoint, SecretRef
from tests.services.test_dockerfiles import dockerfile
from tests.stacks.footprints import of_cell

HERE = Endpoint(host="db.example", port=5432)
OWNER = SecretRef(arn="arn", region="ap-south-1")


def told(**tls: str) -> dict[str, object]:
    database = DatabaseSettings.model_validate(
        {"name": "meridian", "writer": HERE, "readers": (HERE,), "owner": OWNER, **tls}
    )
    text = connection_text(database, HERE, Login("catalog", "x"), PoolOptions(), read_only=False)
    return dict(conninfo_to_dict(text))


def test_a_server_is_checked_against_the_authorities_that_the_settings_name() -> None:
    given = told(tls="verify-ca", authorities="/somewhere/ca.pem")
    assert (given["sslmode"], given["sslrootcert"]) == ("verify-ca", "/somewhere/ca.pem")


def test_without_authorities_nothing_is_said_of_them() -> None:
    assert "sslrootcert" not in told(tls="disable")


def test_the_declared_settings_name_the_file_that_every_image_has() -> None:
    database = of_cell("mumbai").outputs["settings"]["database"]
    assert (database["tls"], database["authorities"]) == ("verify-ca", RDS_AUTHORITIES)


@pytest.mark.parametrize("name", ["catalog", "counters", "transcoder"])
def test_images_have_the_authorities_file(name: str) -> None:
    assert f" {RDS_AUTHORITIES}\n" in dockerfile(name)
