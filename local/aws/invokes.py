"""Data sources that the stacks ask for."""

from __future__ import annotations

from local.aws.engine.wire import Properties
from local.aws.provider import Provider


class InvokeError(Exception):
    """A data source cannot answer; the message says why."""


def invoke(provider: Provider, token: str, arguments: Properties) -> Properties:
    """The answer of a data source; raises InvokeError for one that is not supported."""
    raise InvokeError(f"{token} is not supported by the embedded provider")
