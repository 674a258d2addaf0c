"""Cookies of signed playback: verified as CloudFront would, for one video, for a while, by a key that is deployed."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.common.playback import (
    LEAST_SECONDS,
    MOST_SECONDS,
    PlaybackSecret,
    Signer,
    chosen,
    cookies,
    lifetime,
)
from services.common.secrets import SecretError
from services.contracts.media import media_prefix
from services.contracts.playback import fingerprint

VIDEO = "0abcDEF1234"
BASE = "https://media.meridian.example"
NOW = 1_780_000_000
ARN = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:meridian/mumbai/playback-abcdef"


@cache
def key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private(number: int) -> str:
    return key(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public(number: int) -> str:
    return key(number).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def secret(current: str, previous: str | None = None) -> PlaybackSecret:
    return PlaybackSecret(current=SecretStr(current), previous=None if previous is None else SecretStr(previous))


def decoded(text: str) -> bytes:
    return b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"))


def values(seconds: int = 3600) -> dict[str, str]:
    made = cookies(Signer("K2JCJMDEHXQW5F", key(1)), BASE, "meridian.example", VIDEO, NOW, seconds)
    return {cookie.name: cookie.value for cookie in made}


def test_the_signature_is_of_the_policy_and_by_the_key() -> None:
    found = values()
    said, signature = decoded(found["CloudFront-Policy"]), decoded(found["CloudFront-Signature"])
    key(1).public_key().verify(signature, said, padding.PKCS1v15(), hashes.SHA1())
    with pytest.raises(InvalidSignature):
        key(2).public_key().verify(signature, said, padding.PKCS1v15(), hashes.SHA1())
    with pytest.raises(InvalidSignature):
        key(1).public_key().verify(signature, said + b" ", padding.PKCS1v15(), hashes.SHA1())
    assert found["CloudFront-Key-Pair-Id"] == "K2JCJMDEHXQW5F"


def test_the_policy_opens_one_video_until_it_ends() -> None:
    assert json.loads(decoded(values(600)["CloudFront-Policy"])) == {
        "Statement": [
            {
                "Resource": f"{BASE}/media/{media_prefix(VIDEO)}*",
                "Condition": {"DateLessThan": {"AWS:EpochTime": NOW + 600}},
            }
        ]
    }


def test_a_browser_sends_them_for_this_video_only() -> None:
    made = cookies(Signer("K", key(1)), BASE, "meridian.example", VIDEO, NOW, 60)
    assert {(cookie.domain, cookie.path, cookie.seconds) for cookie in made} == {
        ("meridian.example", f"/media/{media_prefix(VIDEO)}", 60)
    }


@given(st.binary(min_size=1, max_size=40))
def test_values_hold_no_character_that_a_cookie_may_not(data: bytes) -> None:
    made = cookies(Signer("K", key(1)), f"https://{data.hex()}", "d.example", VIDEO, NOW, 60)
    for cookie in made:
        assert not set(cookie.value) & set('+=/;, "\\')


def test_a_new_key_signs_as_soon_as_it_is_deployed_and_the_one_before_until_then() -> None:
    both = secret(private(2), previous=private(1))
    assert chosen(both, {fingerprint(public(1)): "OLD"}, ARN).key_id == "OLD"
    assert chosen(both, {fingerprint(public(1)): "OLD", fingerprint(public(2)): "NEW"}, ARN).key_id == "NEW"


def test_how_a_key_is_written_down_makes_no_difference() -> None:
    assert fingerprint(public(1)) == fingerprint(public(1).replace("\n", "\r\n   ") + "\n\n")
    assert fingerprint(public(1)) != fingerprint(public(2))


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        ("no key", "holds no private key in PEM form"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "not RSA of 2048 bits",
        ),
    ],
    ids=["text", "elliptic"],
)
def test_what_is_no_key_for_cloudfront_is_refused_without_showing_it(pem: str, told: str) -> None:
    with pytest.raises(SecretError, match=told) as refused:
        chosen(secret(pem), {}, ARN)
    assert pem not in str(refused.value)


def test_a_key_that_is_not_deployed_is_told_with_the_remedy() -> None:
    with pytest.raises(SecretError, match="add it to meridian:playback_keys"):
        chosen(secret(private(1)), {}, ARN)


@given(st.none() | st.integers(min_value=0, max_value=200 * 3_600_000))
def test_a_set_outlasts_the_video_or_half_a_day(duration_ms: int | None) -> None:
    seconds = lifetime(duration_ms)
    assert LEAST_SECONDS <= seconds <= MOST_SECONDS
    assert seconds == MOST_SECONDS or seconds * 1_000 >= 2 * (duration_ms or 0)
