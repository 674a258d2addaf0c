"""Keys of a region: one for each kind of store, and the region's member of the multi-Region token key.

Owns key policies and aliases. The token key's primary belongs to ``global``. Stores have single-Region keys, because
AWS services treat a multi-Region key as one of their own region anyway, and a smaller radius is safer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from regions.catalogue import HOME_CODE
from regions.names import TOKEN_KEY_ALIAS, key_alias
from stacks.context import CellContext


class Store(StrEnum):
    """What has a key of its own."""

    DATABASE = "database"
    CACHE = "cache"
    STREAMING = "streaming"
    MEDIA = "media"
    QUEUES = "queues"
    SECRETS = "secrets"
    CLUSTER = "cluster"
    LOGS = "logs"


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    """What keys are made with."""

    token_primary_arn: pulumi.Output[str]


class Keys(pulumi.ComponentResource):
    """One region's keys."""

    arns: Mapping[Store, pulumi.Output[str]]
    token_key_arn: pulumi.Output[str]
    """The member of the multi-Region key that lives in this region."""

    def __init__(self, name: str, ctx: CellContext, args: KeysArgs) -> None:
        super().__init__("meridian:region:Keys", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self.arns = MappingProxyType({store: self._create_key(store) for store in Store})
        self.token_key_arn = self._join_token_key(args.token_primary_arn)
        self.register_outputs({"tokenKeyArn": self.token_key_arn})

    def _create_key(self, store: Store) -> pulumi.Output[str]:
        key = aws.kms.Key(
            f"{self._name}-{store}",
            description=f"{store} of {self._ctx.cell.name}",
            enable_key_rotation=True,
            deletion_window_in_days=30 if self._ctx.protect else 7,
            policy=key_policy(store, self._ctx.account, self._ctx.region),
            region=self._ctx.region,
            tags=self._ctx.named(str(store)),
            opts=self._ctx.stateful(),
        )
        aws.kms.Alias(
            f"{self._name}-{store}",
            name=key_alias(self._ctx.cell, store),
            target_key_id=key.key_id,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        return key.arn

    def _join_token_key(self, primary_arn: pulumi.Output[str]) -> pulumi.Output[str]:
        if self._ctx.region == HOME_CODE:
            return primary_arn
        # Policy, tags and alias are not shared between the members of a multi-Region key.
        replica = aws.kms.ReplicaKey(
            f"{self._name}-tokens",
            description=f"access tokens, member in {self._ctx.cell.name}",
            primary_key_arn=primary_arn,
            deletion_window_in_days=30 if self._ctx.protect else 7,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [_administration(self._ctx.account)]}),
            region=self._ctx.region,
            tags=self._ctx.named("tokens"),
            opts=self._ctx.stateful(),
        )
        aws.kms.Alias(
            f"{self._name}-tokens",
            name=TOKEN_KEY_ALIAS,
            target_key_id=replica.key_id,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        return replica.arn


def key_policy(store: Store, account: str, region: str) -> str:
    """The policy of ``store``'s key: the account's own policies decide, and AWS services that act for themselves."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [_administration(account), *_services(store, account, region)]}
    )


def _administration(account: str) -> dict[str, object]:
    return {
        "Sid": "AccountPoliciesDecide",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def _services(store: Store, account: str, region: str) -> list[dict[str, object]]:
    use = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    if store is Store.LOGS:
        return [
            {
                "Sid": "LogGroups",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                "Action": use,
                "Resource": "*",
                "Condition": {
                    "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:log-group:*"}
                },
            },
            {
                # Alarms, budgets and alert managers publish to an encrypted topic.
                "Sid": "AlarmTopic",
                "Effect": "Allow",
                "Principal": {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "aps.amazonaws.com"]},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            },
        ]
    if store is Store.MEDIA:
        return [
            {
                # The distributions are in another stack and name this bucket: so any of the account's, by pattern.
                "Sid": "ContentDelivery",
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "kms:Decrypt",
                "Resource": "*",
                "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{account}:distribution/*"}},
            }
        ]
    if store is Store.QUEUES:
        return [
            {
                # S3 announces uploads to an encrypted queue.
                "Sid": "BucketEvents",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        ]
    return []
