"""Which KEDA is built, and what its parts are told; that it scales is `make test-cluster`."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.cluster import event_scaler, golang
from stacks import event_scaler as stack


def test_what_is_built_is_of_the_chart_that_the_stacks_install() -> None:
    """To the minor version: not every patch of the module is one of the chart."""
    built, installed = (version.removeprefix("v").split(".")[:2] for version in (event_scaler.VERSION, stack.VERSION))
    assert built == installed


def test_go_that_fails_is_quoted_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(golang.ClusterBuildError, match="GOPROXY"):
        golang.go(tmp_path, "no-such-command")
