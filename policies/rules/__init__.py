"""The laws, one file per subject."""

from policies.model import Rule, StackRule
from policies.rules import encryption, identity, network, regions, resilience, routing, streaming, tagging

RULES: tuple[Rule, ...] = (
    *regions.RULES,
    *encryption.RULES,
    *network.RULES,
    *identity.RULES,
    *resilience.RULES,
    *routing.RULES,
    *streaming.RULES,
    *tagging.RULES,
)
STACK_RULES: tuple[StackRule, ...] = (*encryption.STACK_RULES, *network.STACK_RULES, *routing.STACK_RULES)
