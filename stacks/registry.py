"""Container images: one repository per workload in the home region, copied to every other region by the registry.

Owns names, scanning, retention and replication of images. Does not own which image runs (``workloads``).
A region pulls from its own copy, so it can start pods while the home region is away.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from regions.catalogue import CATALOGUE, HOME_CODE
from regions.names import PROJECT
from services.contracts.workloads import WORKLOADS
from stacks.context import Context

PREFIX = f"{PROJECT}/"
KEPT_IMAGES = 50
UNTAGGED_DAYS = 7

RETENTION = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "description": "What a newer push has orphaned",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": UNTAGGED_DAYS,
                },
                "action": {"type": "expire"},
            },
            {
                "rulePriority": 2,
                "description": "Old releases",
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
                "action": {"type": "expire"},
            },
        ]
    }
)


def repository(workload: str) -> str:
    """Name of the repository of ``workload``, in every region."""
    return f"{PREFIX}{workload}"


def beginning(account: str, region: str) -> str:
    """What the reference of every image of ours in the registry of ``region`` begins with."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{PREFIX}"


def image(account: str, region: str, workload: str, version: str) -> str:
    """Reference of an image in the registry of ``region``; ``version`` is ``sha256:…`` or a tag."""
    separator = "@" if version.startswith("sha256:") else ":"
    return f"{beginning(account, region)}{workload}{separator}{version}"


class Registry(pulumi.ComponentResource):
    """Repositories, their retention, and their copies."""

    def __init__(self, name: str, ctx: Context) -> None:
        super().__init__("meridian:global:Registry", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._targets = tuple(region.code for region in CATALOGUE.regions if region.code != HOME_CODE)
        for workload in WORKLOADS:
            self._create_repository(workload.name)
        templates = [self._create_template(code) for code in self._targets]
        self._create_replication(templates)
        self.register_outputs({})

    def _create_repository(self, workload: str) -> None:
        created = aws.ecr.Repository(
            workload,
            region=HOME_CODE,
            name=repository(workload),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS")],
            force_delete=not self._ctx.protect,
            tags=self._ctx.named(workload),
            opts=self._ctx.stateful(),
        )
        aws.ecr.LifecyclePolicy(
            workload,
            region=HOME_CODE,
            repository=created.name,
            policy=RETENTION,
            opts=self._ctx.options(),
        )

    def _create_template(self, code: str) -> aws.ecr.RepositoryCreationTemplate:
        """Without it the copies that replication makes would have mutable tags and no retention."""
        return aws.ecr.RepositoryCreationTemplate(
            f"copies-{code}",
            region=code,
            prefix=PREFIX.rstrip("/"),
            description="Copies of the home region's repositories",
            applied_fors=["REPLICATION"],
            image_tag_mutability="IMMUTABLE",
            encryption_configurations=[
                aws.ecr.RepositoryCreationTemplateEncryptionConfigurationArgs(encryption_type="AES256")
            ],
            lifecycle_policy=RETENTION,
            opts=self._ctx.options(),
        )

    def _create_replication(self, templates: list[aws.ecr.RepositoryCreationTemplate]) -> None:
        """One per registry: it is the account's, in the home region."""
        if not self._targets:
            return
        rule = aws.ecr.ReplicationConfigurationReplicationConfigurationRuleArgs(
            destinations=[
                aws.ecr.ReplicationConfigurationReplicationConfigurationRuleDestinationArgs(
                    region=code, registry_id=self._ctx.account
                )
                for code in self._targets
            ],
            repository_filters=[
                aws.ecr.ReplicationConfigurationReplicationConfigurationRuleRepositoryFilterArgs(
                    filter=PREFIX, filter_type="PREFIX_MATCH"
                )
            ],
        )
        aws.ecr.ReplicationConfiguration(
            "copies",
            region=HOME_CODE,
            replication_configuration=aws.ecr.ReplicationConfigurationReplicationConfigurationArgs(rules=[rule]),
            opts=self._ctx.options(depends_on=templates),
        )
