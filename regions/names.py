"""Names that two places must agree on: hosts, and resources whose name is a contract. Owns no addresses.

Everything else is auto-named by the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from regions.catalogue import Region

PROJECT = "meridian"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Host names under one registered domain. All lower case, no trailing dot."""

    domain: str

    @property
    def api(self) -> str:
        """API and WebSocket: resolves by geography straight to a region."""
        return f"api.{self.domain}"

    @property
    def media(self) -> str:
        """Segments and manifests, from the CDN."""
        return f"media.{self.domain}"

    @property
    def page(self) -> str:
        """The web page, from the CDN."""
        return f"www.{self.domain}"

    def origin(self, region: Region) -> str:
        """The load balancer of one region."""
        return f"origin-{region.name}.{self.domain}"

    def writer(self, region: Region) -> str:
        """The database of ``region`` that takes writes, reachable from every region over the peering."""
        return f"writer.{region.name}.db.{self.domain}"


def database(region: Region, built: int = 1) -> str:
    """Identifier of the instance of the region's database in the region itself, built in term ``built``."""
    return f"{PROJECT}-{region.name}{_built(built)}"


def database_replica(region: Region, number: int, built: int = 1) -> str:
    """Identifier of the region's read replica ``number``, counted from 1, of the instance built in term ``built``."""
    return f"{PROJECT}-{region.name}{_built(built)}-replica-{number}"


def database_copy(source: Region, target: Region, built: int = 1) -> str:
    """Identifier of the instance of ``source``'s database in ``target``, built in term ``built``."""
    return f"{PROJECT}-{source.name}-in-{target.name}{_built(built)}"


def _built(term: int) -> str:
    """An instance that a promotion left behind keeps its name until it is discarded, so its successor needs another."""
    return "" if term == 1 else f"-t{term}"


def resident_database(region: Region) -> str:
    """Identifier of the instance for residency-bound data, which has no copy elsewhere."""
    return f"{PROJECT}-{region.name}-resident"


def cache(region: Region) -> str:
    """Identifier of the region's Valkey replication group (at most 40 characters)."""
    return f"{PROJECT}-{region.name}"


def kafka(region: Region) -> str:
    """Name of the region's MSK cluster."""
    return f"{PROJECT}-{region.name}"


def cluster(region: Region) -> str:
    """Name of the region's EKS cluster."""
    return f"{PROJECT}-{region.name}"


def load_balancer(region: Region) -> str:
    """Name of the region's public load balancer (at most 32 characters)."""
    return f"{PROJECT}-{region.name}"


def queue(region: Region, purpose: str) -> str:
    """Name of an SQS queue of the region."""
    return f"{PROJECT}-{region.name}-{purpose}"


def secret(region: Region, purpose: str) -> str:
    """Name of a secret of the region."""
    return f"{PROJECT}/{region.name}/{purpose}"


def bucket(region: Region, purpose: str, account: str) -> str:
    """Name of an S3 bucket: unique worldwide by the account number, at most 63 characters."""
    return f"{PROJECT}-{purpose}-{region.code}-{account}"


TOKEN_KEY_ALIAS = f"alias/{PROJECT}-tokens"
"""Alias of the multi-Region token key, the same in every region."""


def key_alias(region: Region, purpose: str) -> str:
    """Alias of a region's own KMS key. Permissions name keys by it, so it is a contract."""
    return f"alias/{PROJECT}-{region.name}-{purpose}"
