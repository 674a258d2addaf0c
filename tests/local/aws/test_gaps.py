"""What is only recorded is a closed list, and the report tells it."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from local.aws.engine.clients import Clients, Offline
from local.aws.gaps import LACKING, MISSING, UNFAITHFUL, UNFINISHED
from local.aws.ledger import Ledger
from local.aws.overlay import Overlay
from local.aws.provider import Provider
from local.aws.registry import all_types
from local.aws.report import rendered
from tests.local.aws.engine import Declared, Engine, engine
from tests.local.aws.examples import EXAMPLES
from tests.local.aws.test_every_type import inputs_of

QUEUE = "aws:mediaconvert/queue:Queue"


def short(names: frozenset[str]) -> list[str]:
    return sorted(name.removeprefix("aws:").split("/")[0] + "." + name.split(":")[-1] for name in names)


def test_the_lists_do_not_grow_unnoticed() -> None:
    assert short(LACKING["ministack"]) == [
        "amp.AlertManagerDefinition",
        "amp.RuleGroupNamespace",
        "amp.Scraper",
        "amp.Workspace",
        "appautoscaling.Policy",
        "appautoscaling.Target",
        "costexplorer.AnomalyMonitor",
        "costexplorer.AnomalySubscription",
        "ecr.ReplicationConfiguration",
        "ecr.RepositoryCreationTemplate",
        "mediaconvert.Queue",
        "msk.ClusterPolicy",
        "msk.Configuration",
        "msk.Replicator",
        "msk.Topic",
        "rds.InstanceAutomatedBackupsReplication",
        "rds.Instance[cross-region]",
        "s3.AccountPublicAccessBlock",
        "wafv2.WebAclLoggingConfiguration",
    ]
    assert short(LACKING["moto"]) == [
        "amp.AlertManagerDefinition",
        "amp.Scraper",
        "backup.Selection",
        "cloudfront.CachePolicy",
        "cloudfront.Distribution",
        "cloudfront.Function",
        "cloudfront.KeyGroup",
        "cloudfront.OriginRequestPolicy",
        "cloudfront.PublicKey",
        "cloudfront.ResponseHeadersPolicy",
        "cloudwatch.CompositeAlarm",
        "costexplorer.AnomalyMonitor",
        "costexplorer.AnomalySubscription",
        "ecr.RepositoryCreationTemplate",
        "eks.AccessEntry",
        "eks.AccessPolicyAssociation",
        "eks.Addon",
        "eks.PodIdentityAssociation",
        "elasticache.ParameterGroup",
        "elasticache.SubnetGroup",
        "elasticache.UserGroup",
        "mediaconvert.Queue",
        "msk.ClusterPolicy",
        "msk.Configuration",
        "msk.Replicator",
        "msk.Topic",
        "rds.InstanceAutomatedBackupsReplication",
        "rds.Instance[cross-region]",
        "sqs.RedriveAllowPolicy",
    ]
    assert len(LACKING["localstack"]) == 51
    assert {name: sum(map(len, table.values())) for name, table in UNFAITHFUL.items()} == {
        "ministack": 24,
        "moto": 15,
        "localstack": 9,
    }
    assert {name: sum(map(len, table.values())) for name, table in MISSING.items()} == {
        "ministack": 1,
        "moto": 1,
        "localstack": 1,
    }
    assert UNFINISHED["ministack"] == frozenset()
    assert short(UNFINISHED["moto"]) == ["msk.Cluster"]


def test_every_listed_type_exists() -> None:
    known = {kind.pulumi_type for kind in all_types()}
    listed = {name.split("[")[0] for names in LACKING.values() for name in names}
    listed |= {name for table in (*UNFAITHFUL.values(), *MISSING.values()) for name in table}
    assert listed <= known


def test_a_type_that_is_not_listed_is_never_recorded(tmp_path: Path) -> None:
    provider = Provider(Offline(), "moto", Ledger(tmp_path / "ledger"), Overlay(""))
    with engine(provider) as attached, pytest.raises(grpc.RpcError, match="Offline"):
        attached.create("aws:sqs/queue:Queue", "jobs", {"name": "jobs"})
    assert provider.ledger.counts() == []


def test_an_unknown_emulator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="localstack, ministack, moto"):
        Provider(Offline(), "floci", Ledger(tmp_path / "ledger"), Overlay(""))


def test_a_recorded_resource_lives_in_the_ledger(offline: Engine) -> None:
    made = offline.create(QUEUE, "transcoding", {"name": "mumbai", "status": "ACTIVE"})
    assert made.outputs["arn"] == "arn:aws:mediaconvert:ap-south-1:000000000000:queues/mumbai"
    changed = offline.update(made, {"name": "mumbai", "status": "PAUSED"})
    found = offline.read(changed)
    assert found is not None
    assert found.inputs["status"] == "PAUSED"
    offline.delete(changed)
    assert offline.read(changed) is None


def test_what_follows_a_recorded_resource_is_recorded_and_what_follows_another_is_not(tmp_path: Path) -> None:
    token, source = "aws:rds/instance:Instance", "arn:aws:rds:us-west-2:000000000000:db:writer"
    provider = Provider(Offline(), "ministack", Ledger(tmp_path / "ledger"), Overlay(""), region="ap-south-1")
    size = {"instanceClass": "db.r8g.large"}
    with engine(provider) as attached:
        attached.create(token, "copy", {**size, "identifier": "copy", "replicateSourceDb": source})
        replica = attached.create(token, "replica", {**size, "identifier": "replica", "replicateSourceDb": "copy"})
        assert attached.read(replica) is not None
        with pytest.raises(grpc.RpcError, match="Offline"):
            attached.create(token, "other", {**size, "identifier": "other", "replicateSourceDb": "elsewhere"})
    assert [(count.live, count.recorded) for count in provider.ledger.counts()] == [(0, 2)]


def test_the_report_counts_by_type(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.note_live("aws:sqs/queue:Queue", "ap-south-1", "a")
    ledger.note_live("aws:sqs/queue:Queue", "us-west-2", "a")
    ledger.record(QUEUE, "ap-south-1", "q", {}, {})
    text = rendered(Ledger(tmp_path / "ledger").counts())
    assert text.splitlines()[-1] == "live 2 / recorded 1"
    assert len(text.splitlines()) == 3
    assert (tmp_path / "ledger").stat().st_mode & 0o077 == 0


def test_an_emulator_that_does_not_answer_is_named_with_the_remedy(tmp_path: Path) -> None:
    provider = Provider(Clients("http://127.0.0.1:9"), "moto", Ledger(tmp_path / "ledger"), Overlay(""))
    with engine(provider) as attached, pytest.raises(grpc.RpcError, match=r"127\.0\.0\.1:9 does not answer.*make up"):
        attached.create("aws:sqs/queue:Queue", "jobs", {"name": "jobs"})


class Lookup(dict[str, Declared]):
    """Resources by name; one that was not made answers with outputs that are ARNs in form."""

    def __missing__(self, name: str) -> Declared:
        return Declared("", name, f"{name}-id", {}, Unmade())


class Unmade(dict[str, object]):
    """Outputs of a resource that was not made."""

    def __missing__(self, name: str) -> object:
        return f"arn:aws:x:us-east-1:000000000000:part/{name}/0" if name.lower().endswith("arn") else f"made-up-{name}"


@pytest.mark.parametrize("emulator", sorted(LACKING))
def test_every_lacking_type_can_be_recorded_read_and_deleted(emulator: str, tmp_path: Path) -> None:
    provider = Provider(Offline(), emulator, Ledger(tmp_path / "ledger"), Overlay(""), region="ap-south-1")
    made = Lookup()
    with engine(provider) as attached:
        for example in EXAMPLES:
            if example.token not in LACKING[emulator]:
                continue
            made[example.name] = attached.create(example.token, example.name, inputs_of(example, made))
            found = attached.read(made[example.name])
            assert found is not None
            assert found.inputs == made[example.name].inputs
        assert {count.token for count in provider.ledger.counts()} == {
            name for name in LACKING[emulator] if "[" not in name
        }
        for resource in made.values():
            attached.delete(resource)
    assert provider.ledger.counts() == []
