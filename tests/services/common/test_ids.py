from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.buckets import BUCKETS
from services.common import ids
from services.common.ids import EPOCH_MS, IdError, Minter, ShardKey

buckets = st.integers(0, BUCKETS - 1)
moments = st.integers(EPOCH_MS, EPOCH_MS + 2**41 - 2**20)
minted = st.builds(lambda bucket, now: Minter(lambda: now).mint(ShardKey(bucket)), buckets, moments)


@given(buckets, moments)
def test_an_id_carries_its_bucket_and_its_time(bucket: int, now: int) -> None:
    value = Minter(lambda: now).mint(ShardKey(bucket))

    assert ids.shard_key(value) == ShardKey(bucket)
    assert ids.time_ms_of(value) == now
    assert 0 <= value < 2**63


@given(minted)
def test_the_public_form_is_eleven_characters_and_comes_back(value: int) -> None:
    text = ids.encode(value)

    assert len(text) == 11
    assert text.isalnum()
    assert text.isascii()
    assert ids.parse(text) == value


@given(minted, minted)
def test_public_forms_sort_as_the_numbers_do(a: int, b: int) -> None:
    assert (ids.encode(a) < ids.encode(b)) == (a < b)


@given(st.lists(st.tuples(buckets, st.integers(EPOCH_MS, EPOCH_MS + 3)), max_size=200))
def test_ids_of_one_process_grow_whatever_the_clock_does(calls: list[tuple[int, int]]) -> None:
    now = EPOCH_MS
    minter = Minter(lambda: now)
    previous: list[tuple[int, int]] = []
    for bucket, moment in calls:
        now = moment
        value = minter.mint(ShardKey(bucket))
        stamp = (value >> 22, value & 0xFFF)
        assert not previous or previous[-1] < stamp
        previous.append(stamp)


def test_ten_thousand_ids_of_one_millisecond_are_different() -> None:
    minter = Minter(lambda: EPOCH_MS + 5)

    assert len({minter.mint(ShardKey(3)) for _ in range(10_000)}) == 10_000


@given(st.text(max_size=30))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        value = ids.parse(text)
    except IdError:
        return
    assert ids.encode(value) == text


def test_the_refused_text_is_not_repeated() -> None:
    with pytest.raises(IdError) as refusal:
        ids.parse("<script>abc")
    assert "script" not in str(refusal.value)


@given(st.integers())
def test_any_number_is_an_id_or_refused(value: int) -> None:
    try:
        text = ids.encode(value)
    except IdError:
        return
    assert ids.parse(text) == value


@pytest.mark.parametrize(
    "text", ["z" * 11, "\u0660" * 11, "0" * 10 + "\n", "0" * 10 + " ", "0" * 10 + "-", "", "0" * 12]
)
def test_what_only_looks_like_an_id_is_refused(text: str) -> None:
    with pytest.raises(IdError):
        ids.parse(text)


@pytest.mark.parametrize("bucket", [-1, BUCKETS, 1023])
def test_a_bucket_that_does_not_exist_is_no_shard_key(bucket: int) -> None:
    with pytest.raises(IdError):
        ShardKey(bucket)
    if bucket > 0:
        with pytest.raises(IdError):
            ids.encode(bucket << 12)


@given(st.binary(max_size=64))
def test_a_name_always_hashes_to_the_same_bucket(name: bytes) -> None:
    assert ids.hashed_key(name) == ids.hashed_key(bytes(name))


def test_hashed_names_spread_over_all_buckets() -> None:
    assert len({ids.hashed_key(str(number).encode()).bucket for number in range(20_000)}) == BUCKETS


def test_a_cell_without_buckets_mints_nobody() -> None:
    with pytest.raises(IdError):
        Minter().mint_in(())
