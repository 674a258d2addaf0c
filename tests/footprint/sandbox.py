"""A real account that holds the footprint: what is asked of it. Reads only; who deploys and destroys is `pulumi`.

Owns which account is meant and what is left of a deployment in it. Does not own the checks (`checks`), which are those of
the emulators, here without any excuse.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from local.engine.results import Result
from regions.names import PROJECT
from tests.footprint import expected
from tests.footprint.asking import Boto, Cloud, Subject, mismatches
from tests.footprint.checks import CHECKS
from tests.footprint.inventory import REGIONS

VARIABLE = "MERIDIAN_TEST_ACCOUNT"


class WrongAccountError(Exception):
    """The credentials belong to another account than the one that was named."""


def confirmed(cloud: Cloud, environment: Mapping[str, str] = os.environ) -> str:
    """The account that the caller named, if the credentials are its. Raises `WrongAccountError`."""
    named = environment.get(VARIABLE, "")
    answer = cloud.ask("sts", REGIONS[0], "get_caller_identity", {})
    found = str(answer.get("Account")) if isinstance(answer, dict) else "none"
    if not named or named != found:
        raise WrongAccountError(
            f"the credentials are of account {found}, and {VARIABLE} names {named or 'none'}: "
            "run `make test-account ACCOUNT=…` with the number of the sandbox"
        )
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and what is not as declared."""

    changes: Mapping[str, int]
    """By stack, what a deployment would change now."""
    looked_at: int
    unchecked: frozenset[str]
    """Declared types for which there is no check."""
    wrong: tuple[str, ...]


def judged(
    cloud: Cloud,
    account: str,
    preview: Callable[[], Sequence[Result]],
    but: Callable[[Subject], Collection[str] | None] = lambda _: (),
) -> Verdict:
    """The footprint against ``cloud``. ``preview``: all stacks from the state of the account; ``but``: the properties of a
    subject that are left out, None for all of it.
    """
    results = preview()
    subjects = expected.subjects(expected.previewed(results), results, account)
    known = [(one, left_out) for one in subjects if one.type in CHECKS and (left_out := but(one)) is not None]
    wrong = [
        str(mismatch)
        for subject, left_out in known
        for mismatch in mismatches(CHECKS[subject.type], subject, cloud, left_out)
    ]
    return Verdict(
        {result.stack: result.changed for result in results},
        len(known),
        frozenset(subject.type for subject in subjects) - CHECKS.keys(),
        tuple(wrong),
    )


def left(cloud: Boto, regions: Iterable[str] = REGIONS) -> dict[str, list[str]]:
    """ARNs that carry this project's tag, by region: every resource that can be tagged is."""
    asked = {"TagFilters": [{"Key": "Project", "Values": [PROJECT]}]}
    found: dict[str, list[str]] = {}
    for region in regions:
        answer = cloud.ask("resourcegroupstaggingapi", region, "get_resources", asked)
        listed = answer.get("ResourceTagMappingList", []) if isinstance(answer, dict) else []
        if listed:
            found[region] = sorted(str(item["ResourceARN"]) for item in listed)
    return found
