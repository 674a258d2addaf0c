"""The passwords of one cell, as its servers are initialised with them. Owns no password: they come from the cell's
secrets (``dataplane``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Login:
    """A user and its password. The password is kept out of ``repr``, so that no log shows it."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WorkloadPasswords:
    """The secret of one workload."""

    database: str = field(repr=False)
    cache: str = field(repr=False)
    kafka: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CellCredentials:
    """All of a cell."""

    owner: Login
    """Of the database: owns the schemas, may create roles, is no superuser."""
    workloads: Mapping[str, WorkloadPasswords]
    """By workload name."""
    operator: str = field(repr=False)
    """Of the installation itself, for what a managed service does unseen: replication, fail-over, administration."""

    @classmethod
    def for_operator(cls, password: str) -> CellCredentials:
        """Credentials of a server that no workload uses."""
        return cls(Login("nobody", password), {}, password)
