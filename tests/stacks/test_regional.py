"""A forgotten region is refused where it is forgotten, before a provider supplies its own."""

from __future__ import annotations

from collections.abc import Callable

import pulumi_aws as aws
import pytest

from stacks.regional import LAW, RegionForgottenError, require_regions
from tests.stacks.recording import Footprint, record


def _held(declare: Callable[[], object]) -> Footprint:
    def program() -> None:
        require_regions()
        declare()

    return record("mumbai", program)


def test_a_resource_without_a_region_is_refused_with_its_name_the_law_and_the_remedy() -> None:
    with pytest.raises(RegionForgottenError) as refused:
        _held(lambda: aws.s3.Bucket("media"))
    assert str(refused.value).startswith(f"{LAW}: media (aws:s3/bucket:Bucket) declares no region")
    assert "pass region=context.region" in str(refused.value)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: aws.s3.Bucket("media", region="ap-south-1"),
        lambda: aws.iam.Role("service", assume_role_policy="{}"),
        lambda: aws.Provider("aws"),
    ],
    ids=["a region is given", "the type has none", "a provider"],
)
def test_everything_else_is_declared_as_before(declare: Callable[[], object]) -> None:
    assert len([entry for entry in _held(declare).resources if entry.custom]) == 1
