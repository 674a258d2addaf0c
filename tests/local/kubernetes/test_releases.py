"""A Helm release is checked by the SDK's own properties, and is kept like any object."""

import pytest

from local.kubernetes import releases
from local.kubernetes.manifests import Identity
from local.kubernetes.values import Object, Value

RELEASE: Object = {
    "name": "keda",
    "namespace": "keda",
    "chart": "keda",
    "version": "2.20.0",
    "repositoryOpts": {"repo": "https://charts.example"},
    "values": {"watchNamespace": "meridian"},
    "atomic": True,
}


def told(**changed: Value) -> list[str]:
    release: dict[str, Value] = {key: value for key, value in {**RELEASE, **changed}.items() if value is not None}
    return [f"{problem.path}: {problem.reason}" for problem in releases.problems(releases.completed(release))]


def test_a_release_that_is_right_has_no_problems_and_an_identity() -> None:
    assert told() == []
    assert Identity.of(releases.completed(RELEASE)) == Identity("helm.sh/v3", "Release", "keda", "keda")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"repositoryopts": {}}, "unknown property 'repositoryopts'"),
        ({"chart": None}, "a release needs a chart"),
        ({"version": None}, "is no exact version"),
        ({"version": "~2.20"}, "is no exact version"),
        ({"name": "Keda!"}, "is not a DNS label"),
        ({"namespace": None}, "is not a DNS label"),
    ],
)
def test_what_is_wrong_of_a_release_is_told(changed: dict[str, Value], reason: str) -> None:
    assert any(reason in line for line in told(**changed))
