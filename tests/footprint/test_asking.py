"""When what AWS tells counts as what was declared, and what the tables of checks may look like."""

import ast
import re

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import paths
from local.aws.gaps import LACKING
from tests.footprint.asking import ABSENT, Ask, Check, Subject, mismatches, paired, same, without
from tests.footprint.checks import CHECKS
from tests.footprint.excuses import EXCUSES

PLAIN = st.one_of(st.booleans(), st.integers(-1000, 1000), st.text("abcdef:/-", min_size=1, max_size=8))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("xyz", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_is_the_same_as_itself(value: object) -> None:
    assert same(value, value)


@given(VALUES)
def test_nothing_that_was_declared_is_the_same_as_nothing(value: object) -> None:
    assert not same(value, ABSENT) or value == ABSENT
    if value not in (False, {}, []):
        assert not same(value, None)


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        (True, "Enabled"),
        (False, "disabled"),
        (300, "300"),
        (60, 60.0),
        ('{"a": 1, "b": [2]}', {"b": [2], "a": 1}),
        (("b", "a"), ["a", "b"]),
        ({"a": {"b": 1}}, {"a": {"b": "1", "beyond": True}}),
        ("meridian-mumbai", "arn:aws:sqs:ap-south-1:000000000000:meridian-mumbai"),
    ],
)
def test_the_same_may_be_told_in_another_form(declared: object, found: object) -> None:
    assert same(declared, found)


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        (True, "Disabled"),
        (True, None),
        (300, "301"),
        (1, True),
        ("mumbai", "meridian-mumbai"),
        ("mumbai", "arn:aws:sqs:ap-south-1:000000000000:meridian-mumbai"),
        ("", "arn:aws:sqs:ap-south-1:000000000000:"),
        ('{"a": 1}', '{"a": 2}'),
        (("a",), ["a", "b"]),
        (("a", "a"), ["a", "b"]),
        ({"a": 1}, {}),
        ({"a": {"b": 1}}, {"a": None}),
    ],
)
def test_another_value_is_another_value(declared: object, found: object) -> None:
    assert not same(declared, found)


def test_pairs_are_a_map_and_what_aws_tags_itself_is_left_out() -> None:
    assert paired([{"Key": "a", "Value": "1"}, {"Key": "aws:x", "Value": "2"}]) == {"a": "1"}
    assert paired([{"TagKey": "a", "TagValue": "1"}]) == {"a": "1"}
    assert paired({"a": "1"}) == {"a": "1"}
    assert paired(None) is None


def test_a_member_is_taken_out_of_every_structure_of_a_list() -> None:
    assert without([{"a": {"b": 1, "c": 2}}, {"d": 3}], "a.b") == [{"a": {"c": 2}}, {"d": 3}]


class Nothing:
    """An AWS that has nothing."""

    def ask(self, service: str, region: str, operation: str, params: object) -> object:
        return None


def test_a_resource_that_is_not_there_has_none_of_its_properties() -> None:
    subject = Subject("aws:sqs/queue:Queue", "mumbai/jobs", "ap-south-1", {"name": "jobs", "delay": 1}, {"id": "u"})
    check = Check((Ask("sqs", "get_queue_attributes", {"QueueUrl": "<id>"}, {"name": "Name", "delay": "Delay"}),))
    assert [mismatch.property for mismatch in mismatches(check, subject, Nothing())] == ["name", "delay"]


def test_a_reference_to_what_a_resource_does_not_have_is_an_error() -> None:
    subject = Subject("aws:sqs/queue:Queue", "mumbai/jobs", "ap-south-1", {"name": "jobs"}, {})
    check = Check((Ask("sqs", "get_queue_attributes", {"QueueUrl": "<url>"}, {"name": "Name"}),))
    with pytest.raises(KeyError, match="mumbai/jobs"):
        mismatches(check, subject, Nothing())


@pytest.mark.parametrize("token", sorted(CHECKS))
def test_every_expression_of_a_check_can_be_read(token: str) -> None:
    for ask in CHECKS[token].asks:
        for expression in ask.finds.values():
            jmespath.compile(re.sub(r"<[^>]+>", "x", expression))


def test_excuses_name_checked_types_that_the_emulator_has() -> None:
    for emulator, types in EXCUSES.items():
        assert set(types) <= set(CHECKS) - LACKING[emulator]


def test_no_stack_knows_of_an_emulator() -> None:
    """Neither imports nor a word of it: what is declared is declared for AWS."""
    forbidden = {"local", "boto3", "botocore", "moto", "ministack", "localstack"}
    for source in sorted((paths.CHECKOUT / "stacks").rglob("*.py")):
        text = source.read_text()
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(text))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & forbidden, source.name
        assert not re.search(r"moto|ministack|localstack|MERIDIAN_EMULATOR|AWS_ENDPOINT", text, re.IGNORECASE), (
            source.name
        )
