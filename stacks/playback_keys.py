"""The keys with which signed playback is checked: two at most, so that one can replace the other without a gap.

Owns the public halves at CloudFront and the key group. The private halves belong to whoever issues playback cookies
and never come near a stack. To rotate: add the new key, let issuers change over, remove the old key.
"""

from __future__ import annotations

import hashlib

import pulumi
import pulumi_aws as aws

from stacks.context import Context


class PlaybackKeys(pulumi.ComponentResource):
    """The key group that media distributions trust. Needs at least one PEM-encoded public key."""

    group: aws.cloudfront.KeyGroup

    def __init__(self, name: str, ctx: Context, keys: tuple[str, ...]) -> None:
        super().__init__("meridian:global:PlaybackKeys", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self.group = self._create_group([self._create_key(pem) for pem in keys])
        self.register_outputs({"id": self.group.id})

    def _create_key(self, pem: str) -> aws.cloudfront.PublicKey:
        """CloudFront stores the key with a final line break and would see a difference without it."""
        encoded = pem.strip() + "\n"
        fingerprint = hashlib.sha256(encoded.encode()).hexdigest()[:12]
        return aws.cloudfront.PublicKey(
            f"playback-{fingerprint}",
            encoded_key=encoded,
            comment="Checks playback cookies",
            opts=self._ctx.options(),
        )

    def _create_group(self, keys: list[aws.cloudfront.PublicKey]) -> aws.cloudfront.KeyGroup:
        return aws.cloudfront.KeyGroup(
            "playback",
            items=[key.id for key in keys],
            comment="Who may sign playback",
            opts=self._ctx.options(),
        )
