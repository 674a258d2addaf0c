"""Where alarms on Route 53 and CloudFront go: a topic in us-east-1, the only region with those metrics.

Owns topic, key and subscription. Does not own the alarms (``api_routing``).
"""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from regions.catalogue import EDGE_CODE
from regions.names import PROJECT
from stacks.alarms import topic_policy
from stacks.context import Context

TOPIC = f"{PROJECT}-edge-alarms"


class EdgeAlarms(pulumi.ComponentResource):
    """The topic for alarms that belong to no region."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, ctx: Context, contact: str) -> None:
        super().__init__("meridian:steering:EdgeAlarms", name, None, ctx.component())
        self._ctx = ctx.within(self).at(EDGE_CODE)
        self._name = name
        self.topic_arn = self._create_topic(self._create_key())
        self._subscribe(contact)
        self.register_outputs({"topicArn": self.topic_arn})

    def _create_key(self) -> aws.kms.Key:
        """AWS's own key for topics admits no alarm, so the topic has one that does."""
        return aws.kms.Key(
            self._name,
            region=self._ctx.region,
            description="Messages of alarms on DNS and delivery",
            enable_key_rotation=True,
            deletion_window_in_days=30 if self._ctx.protect else 7,
            policy=key_policy(self._ctx.account),
            tags=self._ctx.named("alarms"),
            opts=self._ctx.stateful(),
        )

    def _create_topic(self, key: aws.kms.Key) -> pulumi.Output[str]:
        topic = aws.sns.Topic(
            self._name,
            region=self._ctx.region,
            name=TOPIC,
            kms_master_key_id=key.arn,
            tags=self._ctx.named("alarms"),
            opts=self._ctx.options(),
        )
        aws.sns.TopicPolicy(
            self._name,
            region=self._ctx.region,
            arn=topic.arn,
            policy=topic_policy(f"arn:aws:sns:{self._ctx.region}:{self._ctx.account}:{TOPIC}", self._ctx.account),
            opts=self._ctx.options(),
        )
        return topic.arn

    def _subscribe(self, contact: str) -> None:
        aws.sns.TopicSubscription(
            self._name,
            region=self._ctx.region,
            topic=self.topic_arn,
            protocol="email",
            endpoint=contact,
            opts=self._ctx.options(),
        )


def key_policy(account: str) -> str:
    """The account's own policies decide about the key, and CloudWatch may seal what it publishes."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AccountPoliciesDecide",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "Alarms",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudwatch.amazonaws.com"},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                },
            ],
        }
    )
