from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.recommendations.blend import PER_CHANNEL, best_first, blend
from services.recommendations.repository import Candidate


def candidate(video: int, channel: int, score: float = 0.0) -> Candidate:
    return Candidate(video, channel, "channel", "title", 1, None, None, 0, score)


candidates = st.lists(st.builds(candidate, st.integers(1, 40), st.integers(1, 4), st.floats(0, 100)), max_size=40)


@given(candidates, candidates, st.sets(st.integers(1, 40)), st.integers(1, 30))
def test_a_list_holds_nothing_twice_nothing_seen_and_never_too_much(
    rising: list[Candidate], fresh: list[Candidate], seen: set[int], limit: int
) -> None:
    found = [chosen.id for chosen in blend(rising, fresh, seen, limit)]

    assert len(found) == len(set(found))
    assert not seen & set(found)
    assert len(found) == min(limit, len({c.id for c in rising + fresh} - seen))


@given(candidates, candidates)
def test_a_fourth_video_of_a_channel_comes_after_all_others(rising: list[Candidate], fresh: list[Candidate]) -> None:
    per_channel: Counter[int] = Counter()
    late = False
    for chosen in blend(rising, fresh, (), 100):
        per_channel[chosen.channel_id] += 1
        beyond = per_channel[chosen.channel_id] > PER_CHANNEL
        assert beyond or not late
        late = late or beyond


def test_two_rising_videos_are_followed_by_a_fresh_one() -> None:
    rising = [candidate(number, number) for number in (1, 2, 3, 4)]
    fresh = [candidate(number, number) for number in (11, 12)]

    assert [chosen.id for chosen in blend(rising, fresh, (), 6)] == [1, 2, 11, 3, 4, 12]


@given(st.lists(candidates, max_size=4))
def test_the_order_of_cells_does_not_matter(lists: list[list[Candidate]]) -> None:
    keys = [(c.score, c.id) for c in best_first(lists)]

    assert keys == [(c.score, c.id) for c in best_first(reversed(lists))]
