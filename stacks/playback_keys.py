"""The keys with which signed playback is checked: two at most, so that one can replace the other without a gap.

Owns the public halves at CloudFront and the key group. The private halves lie in each region's
secret ``playback`` and never come near a stack. To rotate: add the new key here, put it into the secrets as ``current``
with the old one as ``previous``, and after the longest life of a cookie (``services.common.playback``) remove the old.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from services.contracts.playback import fingerprint
from stacks.context import Context


class PlaybackKeys(pulumi.ComponentResource):
    """The key group that media distributions trust. Needs at least one PEM-encoded public key."""

    group: aws.cloudfront.KeyGroup
    ids: Mapping[str, pulumi.Output[str]]
    """Of the public keys, by fingerprint."""

    def __init__(self, name: str, ctx: Context, keys: tuple[str, ...]) -> None:
        super().__init__("meridian:global:PlaybackKeys", name, None, ctx.component())
        self._ctx = ctx.within(self)
        made = {fingerprint(pem): self._create_key(pem) for pem in keys}
        self.ids = MappingProxyType({name: key.id for name, key in made.items()})
        self.group = self._create_group(list(made.values()))
        self.register_outputs({"id": self.group.id})

    def _create_key(self, pem: str) -> aws.cloudfront.PublicKey:
        """CloudFront stores the key with a final line break and would see a difference without it."""
        encoded = pem.strip() + "\n"
        return aws.cloudfront.PublicKey(
            f"playback-{fingerprint(pem)}",
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
