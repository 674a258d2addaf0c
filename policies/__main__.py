"""The pack. Constructing it starts a server and does not return: import `policies.rules` for the rules themselves."""

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.pack import resource_policy, stack_policy
from policies.rules import RULES, STACK_RULES

PolicyPack(
    name="meridian",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[*(resource_policy(rule) for rule in RULES), *(stack_policy(rule) for rule in STACK_RULES)],
)
