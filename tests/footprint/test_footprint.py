"""What the stacks declare is what AWS then has: all of them, deployed by the real engine, looked at through boto3."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, cast

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from local import paths
from local.aws import gaps, report
from local.aws_access import ACCOUNT
from local.engine import environment
from local.engine.results import Operation
from local.installation import DISPOSABLE, project
from ops import account
from ops.review.declared import value_of
from regions.stacks import all_stacks
from tests.footprint import expected, listening, sandbox
from tests.footprint.asking import Boto, Check, Subject, mismatches
from tests.footprint.checks import CHECKS
from tests.footprint.excuses import EXCUSES, excused, recorded
from tests.footprint.inventory import inventory
from tests.golden.regions_changed import copied

if TYPE_CHECKING:
    from pathlib import Path

    from tests.footprint.conftest import Footprint

SMALL = "links-mumbai-oregon"
"""A stack with few resources, one of them tagged."""


class Tagger(Protocol):
    """What is used of boto3's client of EC2."""

    def create_tags(self, *, Resources: list[str], Tags: list[dict[str, str]]) -> object:  # noqa: N803 - the API's own names
        """Set tags of resources."""


def checked(footprint: Footprint) -> Iterator[tuple[Subject, Check]]:
    """Every declared resource that the emulator has, and its check."""
    for subject in footprint.subjects:
        if not recorded(footprint.emulator, subject):
            yield subject, CHECKS[subject.type]


def test_all_stacks_are_previewed_offline_and_every_policy_ran(footprint: Footprint) -> None:
    assert [result.stack for result in footprint.previews] == list(all_stacks())
    assert all(result.ok and set(result.changes) == {"create"} for result in footprint.previews)
    assert len(footprint.declared) > 1000, "the footprint is gone"


def test_a_preview_shows_all_that_the_programs_declare(footprint: Footprint, heard: Path) -> None:
    said = {urn: values for urn, values in listening.heard(heard).items() if "::aws:" in urn or "$aws:" in urn}
    assert said.keys() == footprint.declared.keys()
    lost = [
        f"{urn}: {name}"
        for urn, values in said.items()
        for name, value in values.items()
        if footprint.declared[urn].inputs.get(name) != value_of(value)
    ]
    assert lost == []


def test_what_is_deployed_is_what_was_previewed(footprint: Footprint) -> None:
    assert [(r.stack, dict(r.changes)) for r in footprint.ups] == [
        (r.stack, dict(r.changes)) for r in footprint.previews
    ]
    assert expected.promises_broken(footprint.declared, expected.previewed(footprint.idle)) == []


def test_a_second_deployment_changes_nothing(footprint: Footprint) -> None:
    assert {result.stack: result.changed for result in footprint.idle} == dict.fromkeys(all_stacks(), 0)


def test_every_declared_type_is_checked_or_on_the_emulators_list(footprint: Footprint) -> None:
    unchecked = {s.type for s in footprint.subjects if s.type not in CHECKS and not recorded(footprint.emulator, s)}
    assert unchecked == set()


def test_every_declared_property_is_looked_up_or_has_a_reason(footprint: Footprint) -> None:
    forgotten = {
        f"{subject.type}.{name}"
        for subject, check in checked(footprint)
        for name in subject.declared
        if name not in check.found and name not in check.unread
    }
    assert forgotten == set()


def test_every_declared_resource_exists_with_every_declared_property(footprint: Footprint, cloud: Boto) -> None:
    wrong = [
        str(mismatch)
        for subject, check in checked(footprint)
        for mismatch in mismatches(check, subject, cloud, excused(footprint.emulator, subject.type))
    ]
    assert wrong == []


def test_a_declaration_that_were_another_would_be_noticed(footprint: Footprint, cloud: Boto) -> None:
    blind = [
        f"{subject.type}.{name}"
        for subject, check, name in every_comparison(footprint)
        if not notices(check, subject, name, cloud)
    ]
    assert blind == []


def every_comparison(footprint: Footprint) -> Iterator[tuple[Subject, Check, str]]:
    """Each property of each type once, on the first resource that declares it."""
    seen: set[tuple[str, str]] = set()
    for subject, check in checked(footprint):
        skipped = excused(footprint.emulator, subject.type)
        for name in subject.declared:
            if name in check.found and name not in skipped and (subject.type, name) not in seen:
                seen.add((subject.type, name))
                yield subject, check, name


def notices(check: Check, subject: Subject, name: str, cloud: Boto) -> bool:
    """Whether the check fails when the program had declared another value of the property."""
    other = replace(subject, declared={**subject.declared, name: altered(subject.declared[name])})
    try:
        found = mismatches(check, other, cloud)
    except (ClientError, ParamValidationError):
        return True  # AWS itself refuses the question
    return name in {mismatch.property for mismatch in found}


def altered(value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value}-other"
    if isinstance(value, Mapping):
        first = next(iter(value), "")
        return {**value, first: altered(value[first])} if value else {"other": "other"}
    if isinstance(value, (list, tuple)):
        return [*value, "other"]
    raise TypeError(f"a declared property is no {type(value).__name__}")


def test_no_excuse_is_out_of_date(footprint: Footprint, cloud: Boto) -> None:
    needed: dict[str, set[str]] = {}
    for subject, check in checked(footprint):
        for name in excused(footprint.emulator, subject.type):
            others = [path for path in excused(footprint.emulator, subject.type) if path != name]
            try:
                found = mismatches(check, subject, cloud, others)
            except ClientError:
                needed.setdefault(subject.type, set()).add(name)
                continue
            if name.partition(".")[0] in {mismatch.property for mismatch in found}:
                needed.setdefault(subject.type, set()).add(name)
    assert {token: set(names) for token, names in EXCUSES[footprint.emulator].items()} == needed


def test_only_what_the_provider_lists_is_excused(emulator_name: str) -> None:
    for token, names in EXCUSES[emulator_name].items():
        listed = gaps.unfaithful(emulator_name, token) | gaps.missing(emulator_name, token)
        assert {name.partition(".")[0] for name in names} <= listed, token


def test_the_ledger_holds_only_what_the_emulator_lacks(footprint: Footprint) -> None:
    counts = report.counts(footprint.directory / "ledger", footprint.emulator)
    held = {row.token for row in counts if row.recorded}
    assert held <= {name.partition("[")[0] for name in gaps.lacking(footprint.emulator)}
    assert sum(row.live + row.recorded for row in counts) == len(footprint.subjects)


def test_a_sandbox_account_would_be_asked_the_same_from_its_own_state(
    footprint: Footprint, cloud: Boto, tmp_path: Path
) -> None:
    """By the command for an account, with this deployment in the account's place: plain `pulumi`, its backend's state."""
    tree = copied(tmp_path / "tree")
    for file in tree.directory.glob("Pulumi.*.yaml"):
        file.write_text(file.read_text() + "".join(f"  {key}: {value}\n" for key, value in DISPOSABLE.items()))
    attachment, whole = footprint.deployment.runner.attachment, tree.project()
    variables = {**environment.process_environment(attachment), **whole.environment}
    variables["PATH"] = os.pathsep.join([str(attachment.engine.binary.parent), variables["PATH"]])

    def excuses(subject: Subject) -> Collection[str] | None:
        return None if recorded(footprint.emulator, subject) else excused(footprint.emulator, subject.type)

    verdict = sandbox.judged(
        cloud,
        sandbox.confirmed(cloud, {sandbox.VARIABLE: ACCOUNT}),
        lambda: account.preview_all(None, print, 2, environment=variables, project=whole),
        excuses,
    )
    assert verdict.changes == dict.fromkeys(all_stacks(), 0)
    assert verdict.unchecked <= {name.partition("[")[0] for name in gaps.lacking(footprint.emulator)}
    assert verdict.wrong == ()
    assert verdict.looked_at == len(list(checked(footprint)))
    assert "ap-south-1" in sandbox.left(cloud)


def test_another_account_than_the_named_one_is_refused(cloud: Boto) -> None:
    for named in ({}, {sandbox.VARIABLE: "210987654321"}):
        with pytest.raises(sandbox.WrongAccountError, match="make test-account ACCOUNT="):
            sandbox.confirmed(cloud, named)


def test_without_the_attachment_the_same_stacks_ask_for_the_official_plugins(footprint: Footprint) -> None:
    runner = footprint.deployment.runner
    attached = environment.process_environment(runner.attachment)
    alone = {name: value for name, value in attached.items() if name != "PULUMI_DEBUG_PROVIDERS"}
    # The command line would write this installation's encryption salt into the committed file, so it gets a copy.
    configuration = shutil.copy(paths.CHECKOUT / "Pulumi.mumbai.yaml", footprint.directory)
    refused = subprocess.run(
        [
            *(str(runner.attachment.engine.binary), "preview", "--non-interactive"),
            *("--stack", "mumbai", "--config-file", str(configuration)),
        ],
        cwd=paths.CHECKOUT,
        env=alone,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert refused.returncode != 0
    assert "no resource plugin 'pulumi-resource-aws' found" in refused.stdout + refused.stderr


def test_reading_everything_again_finds_no_drift(footprint: Footprint) -> None:
    results = footprint.deployment.runner.refresh_all()
    drifted = [
        (step.urn, step.op, step.changed)
        for result in results
        for step in result.steps
        if step.op not in ("refresh", "same", "read")
    ]
    assert drifted == []
    assert {result.stack: result.changed for result in results} == dict.fromkeys(all_stacks(), 0)


def test_a_tag_that_somebody_changed_is_seen_and_set_back(footprint: Footprint) -> None:
    peering = next(
        s
        for s in footprint.subjects
        if s.type == "aws:ec2/vpcPeeringConnection:VpcPeeringConnection" and s.label.startswith(SMALL)
    )
    client = cast(Tagger, Boto(footprint.deployment.endpoint).client("ec2", peering.region))
    client.create_tags(Resources=[str(peering.known["id"])], Tags=[{"Key": "Project", "Value": "somebody-else"}])
    runner = footprint.deployment.runner
    seen = runner.refresh(SMALL)
    # The other side of a peering is the same object, so its tags changed too.
    assert {step.type for step in seen.steps if step.op == "update"} >= {peering.type}
    repaired = runner.up(SMALL)
    assert {step.type for step in repaired.steps if step.op == "update"} >= {peering.type}
    assert mismatches(CHECKS[peering.type], peering, Boto(footprint.deployment.endpoint)) == []


def test_removing_everything_leaves_the_emulator_as_it_was(footprint: Footprint) -> None:
    results = footprint.deployment.runner.run_waves(Operation.DESTROY)
    assert [result.stack for result in results] == [name for wave in reversed(project().waves) for name in wave]
    assert inventory(Boto(footprint.deployment.endpoint), footprint.emulator) == footprint.before
    assert (
        sum(row.live + row.recorded for row in report.counts(footprint.directory / "ledger", footprint.emulator)) == 0
    )
    manifests = [path for path in (footprint.directory / "manifests").rglob("*") if path.is_file()]
    assert manifests == []
