"""The report fits a comment, hides what it must, and says at its head whether the job stops."""

from __future__ import annotations

import json
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.review.asymmetry import Asymmetry
from ops.review.changes import Change, Kind
from ops.review.differences import Difference
from ops.review.report import MARK, MAX_CHARACTERS, artefact, render
from ops.review.review import WITHOUT_STATE, Findings

EMPTY = Findings((), (), (), (), (), (), (), WITHOUT_STATE)
texts = st.text(string.ascii_letters + string.digits + " `:/.-_\n", max_size=30)
long_texts = st.builds(lambda text, times: text * times, texts, st.sampled_from([1, 100, 3000]))


@st.composite
def made(draw: st.DrawFn) -> Change:
    name, stack = draw(texts), draw(st.sampled_from(["mumbai", "oregon", "links-mumbai-oregon"]))
    found = draw(st.lists(st.builds(Difference, texts, long_texts, long_texts, st.booleans()), max_size=3))
    return Change(stack, draw(texts), draw(st.sampled_from(list(Kind))), "aws:rds/instance:Instance", name,
                  f"urn::{stack}::x::{name}", tuple(found), {}, {})  # fmt: skip


tuples_of_text = st.lists(long_texts, max_size=4).map(tuple)
multiplied = st.builds(
    lambda found, times: tuple(found) * times, st.lists(made(), max_size=4), st.sampled_from([1, 400])
)
findings = st.builds(
    Findings,
    multiplied,
    multiplied,
    multiplied,
    st.lists(st.builds(Asymmetry, texts, long_texts, tuples_of_text, st.just((("oregon", "x"),))), max_size=3).map(
        tuple
    ),
    tuples_of_text,
    tuples_of_text,
    tuples_of_text,
    texts,
)


@settings(deadline=None, max_examples=60)
@given(findings)
def test_a_report_always_fits_a_comment(found: Findings) -> None:
    text = render(found)
    assert len(text) <= MAX_CHARACTERS
    assert text.startswith(MARK)


@settings(deadline=None, max_examples=60)
@given(findings)
def test_the_artefact_is_json_and_has_every_change(found: Findings) -> None:
    assert len(json.loads(artefact(found))["changes"]) == len(found.changes)


def _change(stack: str, name: str, *found: Difference, kind: Kind = Kind.UPDATE) -> Change:
    return Change(stack, "database", kind, "aws:rds/instance:Instance", name, f"{stack}::{name}", found, {}, {})


@settings(deadline=None)
@given(st.text("0123456789", min_size=12, max_size=12), st.text(string.ascii_letters, min_size=8, max_size=20))
def test_neither_report_nor_artefact_shows_accounts_principals_or_secrets(account: str, secret: str) -> None:
    arn = f"arn:aws:iam::{account}:role/{secret}"
    change = _change("mumbai", "primary", Difference("password", secret, secret + "2", forces=True),
                     Difference("roleArn", None, arn, forces=False))  # fmt: skip
    found = Findings(
        (change,), (change,), (change,), (Asymmetry("database", arn, ("mumbai",), (("oregon", arn),)),),
        (f"REG-3: {arn} of {account}",), (arn,), (f"mumbai: {account} is not allowed as {arn}",), WITHOUT_STATE,
    )  # fmt: skip
    for text in (render(found), artefact(found)):
        assert account not in text
        assert secret not in text


def test_nothing_changed_is_one_line() -> None:
    assert render(EMPTY) == f"{MARK}\n## Preview\n\nNo change.\n"
    assert EMPTY.empty
    assert not EMPTY.stops


def test_a_change_of_one_line_fits_a_screen() -> None:
    change = _change("mumbai", "primary", Difference("instanceClass", "db.r8g.xlarge", "db.r8g.2xlarge", forces=False))
    text = render(Findings((change,), (), (), (), (), (), (), WITHOUT_STATE))
    assert "~ primary (rds instance): instance class db.r8g.xlarge → db.r8g.2xlarge" in text
    assert len(text.splitlines()) <= 24


def test_what_stops_the_job_comes_first_and_says_what_to_write() -> None:
    change = _change("oregon", "primary", Difference("kmsKeyId", "a", "b", forces=True), kind=Kind.REPLACE)
    text = render(Findings((change,), (change,), (), (), (), (), (), WITHOUT_STATE))
    assert "**The job stops.**" in text
    assert text.index("### Stops") < text.index("### Changes")
    assert "**database.oregon/primary** replaced: kms key id a → b (forces replacement)" in text
    assert "Replaces: <its name>" in text


def test_a_fence_in_a_value_does_not_end_the_block() -> None:
    change = _change("mumbai", "primary", Difference("description", "x", "```\n# heading", forces=False))
    text = render(Findings((change,), (), (), (), (), (), (), WITHOUT_STATE))
    assert text.count("```") == 2
