"""Which module holds the table of a type.  Modules are imported when a type of theirs is first used."""

from __future__ import annotations

import importlib
import threading
from functools import cache
from typing import Final

from local.aws.engine.spec import ResourceType

# Pulumi's module in the token -> module under local.aws.services.
MODULES: Final[dict[str, str]] = {
    "kms": "kms",
    "s3": "s3",
    "sqs": "sqs",
    "ec2": "ec2",
    "vpc": "ec2",
    "secretsmanager": "secretsmanager",
    "iam": "iam",
    "rds": "rds",
    "elasticache": "elasticache",
    "msk": "msk",
    "eks": "eks",
    "lb": "lb",
    "wafv2": "wafv2",
    "acm": "acm",
    "route53": "route53",
    "cloudfront": "cloudfront",
    "cloudwatch": "cloudwatch",
    "sns": "sns",
    "mediaconvert": "mediaconvert",
    "ecr": "ecr",
    "ssm": "ssm",
    "budgets": "budgets",
    "costexplorer": "costexplorer",
    "backup": "backup",
    "scheduler": "scheduler",
    "appautoscaling": "appautoscaling",
    "amp": "amp",
}

_LOCK = threading.RLock()


class UnknownTypeError(Exception):
    """The provider has no table entry for a type."""


@cache
def _table(module: str) -> dict[str, ResourceType]:
    with _LOCK:
        loaded = importlib.import_module(f"local.aws.services.{module}")
    types: tuple[ResourceType, ...] = loaded.TYPES
    return {kind.pulumi_type: kind for kind in types}


def resource_type(token: str) -> ResourceType:
    """The table entry of a type token; raises UnknownTypeError with what to do."""
    package = token.split(":")[1].split("/")[0] if token.count(":") == 2 else ""
    module = MODULES.get(package)
    found = _table(module).get(token) if module else None
    if found is None:
        raise UnknownTypeError(f"{token} has no table entry in local/aws/services; add one, or declare another type")
    return found


def all_types() -> tuple[ResourceType, ...]:
    """Every type that the provider knows."""
    tables = [_table(module) for module in sorted(set(MODULES.values()))]
    return tuple(kind for table in tables for kind in table.values())
