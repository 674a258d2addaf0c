"""The laws, one file per subject."""

from policies.model import Rule, StackRule
from policies.rules import (
    capacity,
    cost,
    encryption,
    footprint,
    identity,
    kubernetes,
    network,
    offers,
    regions,
    resilience,
    routing,
    settings,
    streaming,
    tagging,
)

RULES: tuple[Rule, ...] = (
    *regions.RULES,
    *offers.RULES,
    *encryption.RULES,
    *network.RULES,
    *identity.RULES,
    *resilience.RULES,
    *routing.RULES,
    *streaming.RULES,
    *settings.RULES,
    *kubernetes.RULES,
    *tagging.RULES,
)
STACK_RULES: tuple[StackRule, ...] = (
    *encryption.STACK_RULES,
    *network.STACK_RULES,
    *routing.STACK_RULES,
    *streaming.STACK_RULES,
    *kubernetes.STACK_RULES,
)
UNION_RULES: tuple[StackRule, ...] = (*footprint.UNION_RULES, *capacity.UNION_RULES, *cost.UNION_RULES)
"""Laws over all stacks together; judged over saved previews, not by the pack."""
CODES: tuple[str, ...] = (
    *(rule.code for rule in RULES),
    *(rule.code for rule in (*STACK_RULES, *UNION_RULES)),
)
"""Of every law, by whomever it is judged: what an exception may name."""
