"""The golden text: regions and siblings folded, differences named, nothing that lot or deployment decides."""

from __future__ import annotations

from ops.review.declared import declared
from ops.review.golden import changed, footprint
from regions.catalogue import CATALOGUE
from tests.ops.review.digests import created, digest

INSTANCE = "aws:rds/instance:Instance"


def golden(classes: dict[str, str], **more: object) -> str:
    return footprint(
        declared(
            [
                digest(
                    region.name,
                    created(
                        region.name,
                        INSTANCE,
                        "database-primary",
                        identifier=f"meridian-{region.name}",
                        instanceClass=classes[region.name],
                        region=region.code,
                        **more,
                    ),
                )
                for region in CATALOGUE.regions
                if region.name in classes
            ]
        ),
        CATALOGUE,
    )


ALIKE = dict.fromkeys(CATALOGUE.names, "db.r8g.large")


def test_regions_that_are_alike_are_one_line() -> None:
    assert golden(ALIKE).splitlines() == [
        "== each region (mumbai, oregon, frankfurt, singapore)",
        "",
        "database",
        "  rds instance database-primary: identifier meridian-<name>; instanceClass db.r8g.large",
    ]


def test_a_region_that_differs_is_named_beside_the_usual_value() -> None:
    text = golden({**ALIKE, "mumbai": "db.r8g.xlarge"})
    assert "instanceClass db.r8g.large (mumbai db.r8g.xlarge)" in text


def test_what_only_some_regions_have_is_named() -> None:
    assert "database-primary (only mumbai)" in golden({"mumbai": "db.r8g.large"})


def test_siblings_fold_into_a_count_and_what_they_do_not_share() -> None:
    zones = [created("mumbai", "aws:ec2/subnet:Subnet", f"network-data-{n}", "Network", cidrBlock=f"10.16.{n}.0/24",
                     mapPublicIpOnLaunch=False) for n in (1, 2, 3)]  # fmt: skip
    text = footprint(declared([digest("mumbai", *zones)]), CATALOGUE)
    assert (
        "x3 network-data-# (only mumbai): cidrBlock [10.<network>.1.0/24 | 10.<network>.2.0/24 | 10.<network>.3.0/24]"
        in text
    )
    assert "mapPublicIpOnLaunch off" in text


def test_a_long_document_is_a_fingerprint_that_its_spelling_does_not_change() -> None:
    one = golden(
        ALIKE, policy='{"Statement": [{"Action": ["a", "b"], "Effect": "Allow", "Resource": "something-quite-long"}]}'
    )
    other = golden(
        ALIKE, policy='{"Statement":[{"Effect":"Allow","Action":["b","a"],"Resource":"something-quite-long"}]}'
    )
    third = golden(
        ALIKE, policy='{"Statement":[{"Effect":"Deny","Action":["b","a"],"Resource":"something-quite-long"}]}'
    )
    assert one == other
    assert changed(one, third) != []


def test_what_deployment_decides_and_tags_are_left_out() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert golden(ALIKE, subnet=unknown, groups=[unknown], tags={"Name": "x"}) == golden(ALIKE)


def test_no_account_number_stands_in_it() -> None:
    assert "123456789012" not in golden(ALIKE, bucket="meridian-123456789012", role="arn:aws:iam::123456789012:role/x")


def test_a_change_is_told_by_property() -> None:
    assert changed(golden(ALIKE), golden(ALIKE)) == []
    assert changed(golden(ALIKE), golden(dict.fromkeys(ALIKE, "db.r8g.xlarge"))) == [
        "~ database of each region, rds instance database-primary: instanceClass db.r8g.large → db.r8g.xlarge"
    ]
    gone = changed(golden(ALIKE), golden({"mumbai": "db.r8g.large"}))
    assert [line[0] for line in gone] == ["-", "+"]
