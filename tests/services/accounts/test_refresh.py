from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.accounts import refresh
from services.accounts.refresh import RACE_SECONDS, Stored, Verdict
from services.common.ids import Minter, ShardKey

SESSION = Minter().mint(ShardKey(9))
ages = st.floats(0, 1e7)


def stored(current: str, previous: str | None, since: float = 0.0, remaining: float = 60.0) -> Stored:
    return Stored(refresh.hash_of(current), None if previous is None else refresh.hash_of(previous), since, remaining)


def test_a_token_names_its_session() -> None:
    token = refresh.new_token(SESSION)

    assert refresh.session_of(token) == SESSION
    assert refresh.new_token(SESSION) != token


@given(st.text(max_size=80) | st.from_regex(r"[0-9A-Za-z]{11}\.[A-Za-z0-9_-]{43}", fullmatch=True))
def test_any_text_names_a_session_or_none(text: str) -> None:
    session = refresh.session_of(text)

    assert session is None or refresh.new_token(session).startswith(text[:12])


@given(ages, st.floats(1, 1e7))
def test_the_present_token_is_replaced(since: float, remaining: float) -> None:
    token = refresh.new_token(SESSION)

    assert refresh.judge(token, stored(token, None, since, remaining)) is Verdict.ROTATE


@given(ages)
def test_the_token_before_is_a_lost_race_at_first_and_theft_later(since: float) -> None:
    old, new = refresh.new_token(SESSION), refresh.new_token(SESSION)

    expected = Verdict.RACED if since <= RACE_SECONDS else Verdict.STOLEN
    assert refresh.judge(old, stored(new, old, since)) is expected


@given(ages)
def test_any_other_token_is_refused_and_ends_nothing(since: float) -> None:
    old, new, made_up = (refresh.new_token(SESSION) for _ in range(3))

    assert refresh.judge(made_up, stored(new, old, since)) is Verdict.REFUSE


@given(st.floats(-1e7, 0))
def test_after_its_end_a_session_knows_no_token(remaining: float) -> None:
    old, new = refresh.new_token(SESSION), refresh.new_token(SESSION)

    for token in (old, new):
        assert refresh.judge(token, stored(new, old, 0, remaining)) is Verdict.REFUSE
