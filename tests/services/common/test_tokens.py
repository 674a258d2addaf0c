from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from services.common import keys, tokens
from services.common.aws import AwsClients
from services.common.ids import Minter, ShardKey
from services.common.keys import Verifier
from services.common.tokens import Claims, KeySet, KmsSigner, Policy, PublicKey, TokenError
from tests.servers import Aws

NOW = 1_800_000_000
POLICY = Policy("https://api.meridian.example", "https://meridian.example")
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = tokens.public_key(PRIVATE.public_key())
KEYS = KeySet([PUBLIC])
USER = Minter().mint(ShardKey(1))
CLAIMS = Claims(USER, USER + 1, "Ada ✓", NOW, NOW + 900)


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(signed: str, private: ec.EllipticCurvePrivateKey = PRIVATE) -> str:
    der = private.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    return f"{signed}.{encode(tokens.raw_signature(der))}"


def token(header: dict[str, Any] | None = None, payload: dict[str, Any] | None = None) -> str:
    """A genuine token, with some fields set differently (None: left out)."""
    parts = []
    originals = tokens.signing_input(CLAIMS, POLICY, PUBLIC.key_id).split(".")
    for original, changes in zip(originals, (header or {}, payload or {}), strict=True):
        fields = json.loads(base64.urlsafe_b64decode(original + "=="))
        fields = {name: value for name, value in (fields | changes).items() if value is not None}
        parts.append(encode(json.dumps(fields).encode()))
    return sign(".".join(parts))


def test_a_genuine_token_states_its_claims() -> None:
    assert tokens.verify(token(), KEYS, POLICY, lambda: NOW) == CLAIMS


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"alg": None}, {}),
        ({"typ": "JWT"}, {}),
        ({"kid": "other"}, {}),
        ({"kid": None}, {}),
        ({"kid": ["x"]}, {}),
        ({"crit": ["exp"]}, {}),
        ({}, {"iss": "https://evil.example"}),
        ({}, {"iss": None}),
        ({}, {"aud": "https://other.example"}),
        ({}, {"aud": [POLICY.audience]}),
        ({}, {"exp": NOW - 10}),
        ({}, {"exp": None}),
        ({}, {"exp": "9999999999"}),
        ({}, {"exp": True}),
        ({}, {"nbf": NOW + 60}),
        ({}, {"nbf": None}),
        ({}, {"sub": "nobody"}),
        ({}, {"sub": None}),
        ({}, {"sid": 7}),
        ({}, {"name": None}),
    ],
)
def test_a_genuine_signature_over_wrong_claims_is_refused(header: dict[str, Any], payload: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        tokens.verify(token(header, payload), KEYS, POLICY, lambda: NOW)


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused() -> None:
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = PUBLIC.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = token().split(".")
    header = encode(json.dumps({"alg": "HS256", "kid": PUBLIC.key_id, "typ": tokens.TYPE}).encode())
    signed = f"{header}.{payload}"

    with pytest.raises(TokenError, match="algorithm"):
        tokens.verify(
            f"{signed}.{encode(hmac.digest(pem, signed.encode(), hashlib.sha256))}", KEYS, POLICY, lambda: NOW
        )


def test_a_token_of_another_key_with_our_key_id_is_refused() -> None:
    signed = tokens.signing_input(CLAIMS, POLICY, PUBLIC.key_id)

    with pytest.raises(TokenError, match="forged"):
        tokens.verify(sign(signed, ec.generate_private_key(ec.SECP256R1())), KEYS, POLICY, lambda: NOW)


@given(st.data())
def test_a_token_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    genuine = token()
    at = data.draw(st.integers(0, len(genuine) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda character: character != genuine[at]))

    with pytest.raises(TokenError):
        tokens.verify(genuine[:at] + other + genuine[at + 1 :], KEYS, POLICY, lambda: NOW)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,90}", fullmatch=True))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        tokens.verify(text, KEYS, POLICY, lambda: NOW)


def test_a_key_comes_back_from_its_published_form() -> None:
    published = json.loads(json.dumps(KEYS.jwks))

    assert KeySet.of_jwks(published).get(PUBLIC.key_id) == PUBLIC


@pytest.mark.parametrize(
    "changes",
    [{"crv": "P-384"}, {"kty": "RSA"}, {"alg": "HS256"}, {"x": "AA"}, {"y": None}, {"kid": "made up"}],
)
def test_a_published_key_that_is_not_what_it_says_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(TokenError):
        tokens.key_of_jwk(PUBLIC.jwk | changes)


async def test_kms_signs_what_its_public_key_verifies(aws: Aws) -> None:
    clients = AwsClients("ap-south-1")
    arn = aws.token_key("mumbai")
    signed = await KmsSigner(clients, arn, POLICY).sign(CLAIMS)

    keyset = KeySet([await tokens.kms_public_key(clients, arn)])

    assert tokens.verify(signed, keyset, POLICY, lambda: NOW) == CLAIMS


class Source:
    """A key source that counts how often it is read."""

    def __init__(self, *published: PublicKey) -> None:
        self.keys = published
        self.reads = 0
        self.away = False

    async def load(self) -> KeySet:
        self.reads += 1
        if self.away:
            raise ConnectionError
        return KeySet(self.keys)


async def test_made_up_key_ids_cause_one_reading_in_ten_seconds() -> None:
    source, now = Source(PUBLIC), [0.0]
    verifier = Verifier(source.load, POLICY, lambda: now[0], lambda: NOW)
    await verifier.verify(token())
    for number in range(100):
        with pytest.raises(TokenError):
            await verifier.verify(token({"kid": f"made-up-{number}"}))

    assert source.reads == 1
    now[0] += keys.RETRY_SECONDS + 1
    with pytest.raises(TokenError):
        await verifier.verify(token({"kid": "made-up"}))
    assert source.reads == 2


async def test_a_new_key_is_found_and_old_keys_stay_in_use_while_the_source_is_away() -> None:
    source, now = Source(), [0.0]
    verifier = Verifier(source.load, POLICY, lambda: now[0], lambda: NOW)
    with pytest.raises(TokenError):
        await verifier.verify(token())
    source.keys = (PUBLIC,)
    now[0] += keys.RETRY_SECONDS + 1
    assert await verifier.verify(token()) == CLAIMS

    source.away = True
    now[0] += keys.REFRESH_SECONDS + 1
    assert await verifier.verify(token()) == CLAIMS
    assert source.reads == 3


def test_a_long_name_still_makes_a_token_that_is_accepted() -> None:
    claims = replace(CLAIMS, name="\U0001f600" * 80)
    signed = sign(tokens.signing_input(claims, POLICY, PUBLIC.key_id))

    assert tokens.verify(signed, KEYS, POLICY, lambda: NOW) == claims
