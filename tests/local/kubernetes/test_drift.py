"""What counts as a change by hand, and what is only the server's spelling of what was stated."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes import drift
from local.kubernetes.values import Object, Value, as_object

STATED: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "apps"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "cpu": "1000m",
                        "args": ["a", "b"],
                        "env": [{"name": "A", "value": "1"}],
                    }
                ]
            }
        }
    },
}
SERVER: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "apps", "uid": "u", "resourceVersion": "7"},
    "spec": {
        "replicas": 3,
        "template": {
            "spec": {
                "dnsPolicy": "ClusterFirst",
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "cpu": "1",
                        "args": ["a", "b"],
                        "env": [{"name": "A", "value": "1"}],
                        "imagePullPolicy": "IfNotPresent",
                    }
                ],
            }
        },
    },
    "status": {"replicas": 3},
}
"""What the server makes of it: defaults, bookkeeping, and `1000m` is `1`."""

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
TREES: st.SearchStrategy[Value] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abn"), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["spec", "data", "metadata"]), TREES, max_size=3)


def container(item: Object) -> Object:
    pod = as_object(as_object(as_object(item["spec"])["template"])["spec"])
    containers = pod["containers"]
    assert isinstance(containers, list)
    return as_object(containers[0])


def seen(live: Object, expected: Object = SERVER) -> Object:
    return drift.observed(STATED, expected, live)


def test_defaults_bookkeeping_and_other_spellings_are_no_drift() -> None:
    assert seen(SERVER) == STATED


def test_a_changed_field_shows_with_the_value_that_somebody_gave_it_and_alone() -> None:
    live = copy.deepcopy(SERVER)
    container(live)["image"] = "evil:2"
    wanted = copy.deepcopy(STATED)
    container(wanted)["image"] = "evil:2"
    assert seen(live) == wanted


def test_what_somebody_removed_is_missing() -> None:
    live = copy.deepcopy(SERVER)
    del container(live)["env"]
    wanted = copy.deepcopy(STATED)
    del container(wanted)["env"]
    assert seen(live) == wanted


def test_what_others_added_beside_our_fields_is_theirs() -> None:
    live, expected = copy.deepcopy(SERVER), copy.deepcopy(SERVER)
    for item in (live, expected):  # a dry run of our fields leaves it as it is
        container(item)["env"] = [{"name": "A", "value": "1"}, {"name": "SIDE", "value": "x"}]
        as_object(item["metadata"])["labels"] = {"team": "x"}
    assert seen(live, expected) == STATED


def test_items_are_told_apart_by_their_keys_whatever_their_order() -> None:
    stated: Object = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    live: Object = {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]}
    expected: Object = {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]}
    assert drift.observed(stated, expected, live) == {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]}


def test_a_list_of_plain_values_is_one_value() -> None:
    assert drift.observed({"args": ["a"]}, {"args": ["a"]}, {"args": ["b", "c"]}) == {"args": ["b", "c"]}


def test_an_import_leaves_out_what_the_server_keeps_for_itself() -> None:
    live: Object = {
        **SERVER,
        "metadata": {**as_object(SERVER["metadata"]), "managedFields": [{}], "labels": {"a": "b"}},
    }
    found = drift.without_bookkeeping(live)
    assert set(found) == {"apiVersion", "kind", "metadata", "spec"}
    assert found["metadata"] == {"name": "web", "namespace": "apps", "labels": {"a": "b"}}


@given(OBJECTS)
def test_an_object_that_is_as_the_server_would_make_it_has_no_drift(stated: Object) -> None:
    assert drift.observed(stated, stated, stated) == stated


@given(OBJECTS, OBJECTS)
def test_what_was_seen_is_what_is_there(stated: Object, live: Object) -> None:
    """A second look, from what the first one saw, finds nothing more."""
    seen_first = drift.observed(stated, stated, live)
    assert set(seen_first) == set(stated) & set(live)
    assert drift.observed(seen_first, seen_first, live) == seen_first
