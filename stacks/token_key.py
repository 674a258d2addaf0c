"""The one multi-Region key: it signs access tokens. Owns the primary; each region's stack owns its replica.

An elliptic-curve key cannot rotate by itself: a new version is a second key, and the key id in a token's header tells
which one signed it.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from regions.catalogue import HOME_CODE
from regions.names import TOKEN_KEY_ALIAS
from stacks.context import Context

DELETION_WINDOW_DAYS = 30


class TokenKey(pulumi.ComponentResource):
    """Primary of the token key, in the home region."""

    key: aws.kms.Key

    def __init__(self, name: str, ctx: Context) -> None:
        super().__init__("meridian:global:TokenKey", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self.key = self._create_key()
        self._create_alias()
        self.register_outputs({"arn": self.key.arn})

    def _create_key(self) -> aws.kms.Key:
        return aws.kms.Key(
            "tokens",
            region=HOME_CODE,
            description="Signs access tokens; verified in every region",
            customer_master_key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            multi_region=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            tags=self._ctx.named("tokens"),
            opts=self._ctx.stateful(),
        )

    def _create_alias(self) -> aws.kms.Alias:
        return aws.kms.Alias(
            "tokens",
            region=HOME_CODE,
            name=TOKEN_KEY_ALIAS,
            target_key_id=self.key.key_id,
            opts=self._ctx.options(),
        )
