"""Every rule passes what keeps it and reports what breaks it, with a remedy."""

import inspect

import pulumi_aws
import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.model import UNKNOWN, Resource, Rule, StackRule
from policies.pack import plain
from policies.rules import RULES, STACK_RULES
from policies.rules.regions import has_region
from tests.policies import fixtures

CODES = [*(rule.code for rule in RULES), *(rule.code for rule in STACK_RULES)]


def test_every_rule_has_a_code_of_its_own_and_both_fixtures() -> None:
    assert len(CODES) == len(set(CODES))
    assert set(CODES) == set(fixtures.RULES) | set(fixtures.STACK_RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_resource_that_keeps_the_rule_passes_and_one_that_breaks_it_does_not(rule: Rule) -> None:
    fixture = fixtures.RULES[rule.code]
    for resource in fixture.good:
        assert list(rule.judge(resource)) == [], resource
    for resource in fixture.bad:
        assert list(rule.judge(resource)), resource


@pytest.mark.parametrize("rule", STACK_RULES, ids=lambda rule: rule.code)
def test_a_stack_that_keeps_the_rule_passes_and_one_that_breaks_it_does_not(rule: StackRule) -> None:
    fixture = fixtures.STACK_RULES[rule.code]
    for resources in fixture.good:
        assert list(rule.judge(resources)) == [], resources
    for resources in fixture.bad:
        assert list(rule.judge(resources)), resources


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_no_rule_stumbles_over_what_is_not_known_or_of_another_shape(rule: Rule) -> None:
    for fixture in fixtures.RULES.values():
        for resource in (*fixture.good, *fixture.bad):
            list(rule.judge(resource))
            list(rule.judge(Resource(resource.type, "it", dict.fromkeys(resource.props, UNKNOWN))))
            list(rule.judge(Resource(resource.type, "it", {})))


def test_unknown_values_of_the_engine_become_unknown_where_they_stand() -> None:
    proxy = unknown_checking_proxy({"a": UNKNOWN_STRING_VALUE, "b": ["x", UNKNOWN_STRING_VALUE], "c": {"d": 1}})
    assert plain(proxy) == {"a": UNKNOWN, "b": ("x", UNKNOWN), "c": {"d": 1}}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("s3", "Bucket"), ("s3", "AccountPublicAccessBlock"), ("ec2", "Vpc"), ("rds", "Instance"), ("msk", "Cluster"),
        ("route53", "Record"), ("route53", "Zone"), ("route53", "HealthCheck"), ("iam", "Role"),
        ("cloudfront", "Distribution"), ("budgets", "Budget"), ("acm", "Certificate"), ("wafv2", "WebAcl"),
        ("kms", "ReplicaKey"), ("sqs", "Queue"), ("lb", "LoadBalancer"), ("eks", "Cluster"),
        ("elasticache", "ReplicationGroup"), ("mediaconvert", "Queue"), ("secretsmanager", "Secret"),
    ],
)  # fmt: skip
def test_which_types_have_a_region_agrees_with_the_provider(module: str, name: str) -> None:
    resource_class = getattr(getattr(pulumi_aws, module), name)
    token = f"aws:{module}/{name[0].lower()}{name[1:]}:{name}"
    parameters = inspect.signature(resource_class._internal_init).parameters
    assert has_region(token) == ("region" in parameters)
