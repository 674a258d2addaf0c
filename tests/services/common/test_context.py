from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.context import Context, ContextError, ContextKeys, sign, verify
from services.common.ids import Minter, ShardKey

KEYS = ContextKeys(b"k" * 32)
NOW = 1_800_000_000
USER = Minter().mint(ShardKey(5))

contexts = st.builds(
    Context,
    caller=st.sampled_from(["gateway", "realtime"]),
    issued_at=st.just(NOW),
    expires_at=st.integers(NOW + 1, NOW + 30),
    user_id=st.none() | st.builds(lambda bucket: Minter().mint(ShardKey(bucket)), st.integers(0, 959)),
    name=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    session_id=st.none() | st.just(USER),
    request_id=st.text("0123456789abcdef-", max_size=36),
    country=st.none() | st.sampled_from(["IN", "DE"]),
)


@given(contexts)
def test_what_was_signed_is_what_is_verified(context: Context) -> None:
    assert verify(sign(context, KEYS), KEYS, lambda: NOW) == context


@given(contexts, st.data())
def test_a_context_with_any_character_changed_is_refused(context: Context, data: st.DataObject) -> None:
    header = sign(context, KEYS)
    at = data.draw(st.integers(0, len(header) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda character: character != header[at]))

    with pytest.raises(ContextError):
        verify(header[:at] + other + header[at + 1 :], KEYS, lambda: NOW)


@given(st.text() | st.from_regex(r"v1\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,43}", fullmatch=True))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ContextError):
        verify(text, KEYS, lambda: NOW)


@given(contexts)
def test_a_context_ends_when_it_says(context: Context) -> None:
    header = sign(context, KEYS)

    assert verify(header, KEYS, lambda: context.expires_at - 0.001) == context
    with pytest.raises(ContextError, match="expired"):
        verify(header, KEYS, lambda: context.expires_at)


def test_a_missing_context_is_refused() -> None:
    for header in (None, ""):
        with pytest.raises(ContextError, match="gateway"):
            verify(header, KEYS)


def test_nobody_can_sign_for_longer_than_thirty_seconds() -> None:
    context = Context("gateway", NOW, NOW + 31)
    with pytest.raises(ContextError):
        sign(context, KEYS)


@pytest.mark.parametrize(
    "payload",
    [
        {"caller": "gateway", "iat": NOW, "exp": NOW + 3600},
        {"caller": "gateway", "iat": NOW + 60, "exp": NOW + 80},
        {"caller": "gateway", "iat": NOW},
        {"caller": "gateway", "iat": NOW, "exp": True},
        {"caller": "", "iat": NOW, "exp": NOW + 10},
        {"iat": NOW, "exp": NOW + 10},
        {"caller": "gateway", "iat": NOW, "exp": NOW + 10, "uid": 5},
        {"caller": "gateway", "iat": NOW, "exp": NOW + 10, "uid": "zzzzzzzzzzz"},
        [],
    ],
)
def test_a_genuine_signature_over_a_wrong_payload_is_refused(payload: object) -> None:
    import hashlib
    import hmac

    def encode(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = f"v1.{encode(json.dumps(payload).encode())}"
    header = f"{signed}.{encode(hmac.digest(KEYS.current, signed.encode(), hashlib.sha256))}"

    with pytest.raises(ContextError):
        verify(header, KEYS, lambda: NOW)


def test_the_key_before_is_accepted_while_it_is_rolled_and_not_afterwards() -> None:
    context = Context("gateway", NOW, NOW + 10, USER)
    old = sign(context, KEYS)
    rolled = ContextKeys(b"n" * 32, previous=KEYS.current)

    assert verify(old, rolled, lambda: NOW) == context
    with pytest.raises(ContextError, match="forged"):
        verify(old, replace(rolled, previous=None), lambda: NOW)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ContextError):
        ContextKeys(b"short")
