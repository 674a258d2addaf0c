"""Forged and foreign tokens through the real verifier: each is 401, and no service hears of it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.common import ids
from services.common.tokens import KeySet, Policy, public_key, raw_signature
from services.contracts.routes import Service
from services.gateway.identity import IdentityError
from services.gateway.verifier import REFRESH_SECONDS, KeySetVerifier
from tests.services.gateway.harness import Recorder, gateway

POLICY = Policy("https://api.test", "https://test")
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
KID = public_key(KEY.public_key()).key_id
USER = ids.encode(1 << 22)
PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    whole: dict[str, object] = {
        **{"aud": POLICY.audience, "iss": POLICY.issuer, "exp": now + 600, "iat": now, "nbf": now},
        **{"name": "Asha", "sid": USER, "sub": USER, **changes},
    }
    return {name: value for name, value in whole.items() if value is not None}


def _signed(header: dict[str, object], claims: dict[str, object], key: ec.EllipticCurvePrivateKey = KEY) -> str:
    signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{signed}.{_b64(raw_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))))}"


GOOD: dict[str, object] = {"alg": "ES256", "typ": "at+jwt", "kid": KID}


def _hmac_with_the_public_key() -> str:
    signed = f"{_b64(json.dumps({**GOOD, 'alg': 'HS256'}).encode())}.{_b64(json.dumps(_claims()).encode())}"
    return f"{signed}.{_b64(hmac.digest(PEM, signed.encode(), hashlib.sha256))}"


FORGED: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: _signed({**GOOD, "alg": "none"}, _claims()).rpartition(".")[0] + ".",
    "an algorithm in other letters": lambda: _signed({**GOOD, "alg": "nOnE"}, _claims()),
    "a MAC with the public key": _hmac_with_the_public_key,
    "another's key under our id": lambda: _signed(GOOD, _claims(), OTHER),
    "an unknown key": lambda: _signed({**GOOD, "kid": "x" * 43}, _claims(), OTHER),
    "a key in the header": lambda: _signed({**GOOD, "jwk": public_key(OTHER.public_key()).jwk}, _claims(), OTHER),
    "no key id": lambda: _signed({"alg": "ES256", "typ": "at+jwt"}, _claims()),
    "a path as a key id": lambda: _signed({**GOOD, "kid": "../../../dev/null"}, _claims()),
    "a critical extension": lambda: _signed({**GOOD, "crit": ["b64"], "b64": False}, _claims()),
    "an id token": lambda: _signed({**GOOD, "typ": "JWT"}, _claims()),
    "an expired one": lambda: _signed(GOOD, _claims(exp=int(time.time()) - 60)),
    "one of tomorrow": lambda: _signed(GOOD, _claims(nbf=int(time.time()) + 86400)),
    "another issuer": lambda: _signed(GOOD, _claims(iss="https://evil.test")),
    "another audience": lambda: _signed(GOOD, _claims(aud="https://evil.test")),
    "no expiry": lambda: _signed(GOOD, _claims(exp=None)),
    "an expiry in words": lambda: _signed(GOOD, _claims(exp="never")),
    "no subject": lambda: _signed(GOOD, _claims(sub=None)),
    "a signature of zeros": lambda: _signed(GOOD, _claims()).rpartition(".")[0] + "." + _b64(b"\0" * 64),
    "a changed claim": lambda: _changed_claim(),
    "four parts": lambda: _signed(GOOD, _claims()) + ".x",
    "no JSON": lambda: ".".join(_b64(part) for part in (b"{", b"{", b"x" * 64)),
}


def _changed_claim() -> str:
    head, _, signature = _signed(GOOD, _claims()).split(".")
    return f"{head}.{_b64(json.dumps(_claims(sub=ids.encode(2 << 22))).encode())}.{signature}"


class _Keys:
    def __init__(self) -> None:
        self.fetched = 0
        self.now = 1000.0

    async def fetch(self) -> KeySet:
        self.fetched += 1
        return KeySet([public_key(KEY.public_key())])

    def verifier(self) -> KeySetVerifier:
        return KeySetVerifier(self.fetch, POLICY, lambda: self.now)


def _request(token: str) -> bytes:
    return b"GET /api/accounts/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token.encode() + b"\r\n\r\n"


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused_and_reaches_no_service(name: str) -> None:
    recorder = Recorder()
    async with gateway(dict.fromkeys(Service, recorder), verifier=_Keys().verifier()) as under_test:
        answer = await under_test.send(_request(FORGED[name]()))
    assert answer.startswith(b"HTTP/1.1 401 "), answer
    assert b"WWW-Authenticate: Bearer" in answer
    assert recorder.connections == 0


async def test_a_genuine_token_passes() -> None:
    recorder = Recorder()
    async with gateway(dict.fromkeys(Service, recorder), verifier=_Keys().verifier()) as under_test:
        assert (await under_test.send(_request(_signed(GOOD, _claims())))).startswith(b"HTTP/1.1 200 ")
    assert recorder.seen


async def test_a_flood_of_invented_key_ids_costs_one_look_in_half_a_minute() -> None:
    keys = _Keys()
    verifier = keys.verifier()
    for round_ in range(1, 4):
        for number in range(100):
            keys.now += REFRESH_SECONDS / 200
            with pytest.raises(IdentityError):
                await verifier.verify(_signed({**GOOD, "kid": f"{number:043d}"}, _claims(), OTHER))
        assert keys.fetched == round_
        keys.now += REFRESH_SECONDS


async def test_a_new_key_is_found_and_the_old_one_stays_accepted_for_a_while() -> None:
    keys = {"now": 1000.0}
    present = [KEY]

    async def fetch() -> KeySet:
        return KeySet([public_key(key.public_key()) for key in present])

    verifier = KeySetVerifier(fetch, POLICY, lambda: keys["now"])
    old = _signed(GOOD, _claims())
    assert (await verifier.verify(old)).user == USER
    present[:] = [OTHER]
    keys["now"] += REFRESH_SECONDS
    new = _signed({**GOOD, "kid": public_key(OTHER.public_key()).key_id}, _claims(), OTHER)
    assert (await verifier.verify(new)).user == USER
    assert (await verifier.verify(old)).user == USER
