"""Access tokens: ES256 JWTs signed through KMS, and their strict verification. Owns the form; does not own sessions.

Verification is pure (`verify`) over a key set (`KeySet`), which is read from KMS or from a published JWKS. No process
holds a private key. Used by accounts (sign), the gateway and realtime (verify).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.common import ids
from services.common.aws import AwsClients, in_thread

ALGORITHM = "ES256"
TYPE = "at+jwt"
"""RFC 9068: the type of access tokens, so that no other JWT of ours passes for one."""
LEEWAY_SECONDS = 5
MAX_LENGTH = 4096
_COORDINATE_BYTES = 32
_PART = re.compile(r"^[A-Za-z0-9_-]{1,4096}$")


class TokenError(ValueError):
    """The token is malformed, forged, expired or meant for somebody else. The message never repeats the input."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token states; times in Unix seconds."""

    user_id: int
    session_id: int
    name: str
    """Display name."""
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose tokens are accepted, and for whom they must be meant."""

    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key that signatures are checked with."""

    key_id: str
    """RFC 7638 thumbprint, so that it is the same in every region."""
    key: ec.EllipticCurvePublicKey

    @property
    def jwk(self) -> dict[str, str]:
        """The key as it is published (RFC 7517)."""
        return {**_coordinates(self.key), "kid": self.key_id, "use": "sig", "alg": ALGORITHM}


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    if not _PART.fullmatch(text):
        raise TokenError("the token is malformed")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenError("the token is malformed") from error
    if _encode(raw) != text:
        raise TokenError("the token is not in canonical form")
    return raw


def _coordinates(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": _encode(numbers.x.to_bytes(_COORDINATE_BYTES, "big")),
        "y": _encode(numbers.y.to_bytes(_COORDINATE_BYTES, "big")),
    }


def public_key(key: ec.EllipticCurvePublicKey) -> PublicKey:
    """``key`` with its thumbprint. Raises `TokenError` unless it is on P-256."""
    if not isinstance(key.curve, ec.SECP256R1):
        raise TokenError("the key is not on the curve P-256")
    canonical = json.dumps(_coordinates(key), separators=(",", ":"), sort_keys=True)
    return PublicKey(_encode(hashlib.sha256(canonical.encode("ascii")).digest()), key)


def key_of_der(der: bytes) -> PublicKey:
    """The key in a DER SubjectPublicKeyInfo, as KMS gives it. Raises `TokenError`."""
    key = load_der_public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TokenError("the key is no elliptic-curve key; create it with the key spec ECC_NIST_P256")
    return public_key(key)


def key_of_jwk(jwk: Mapping[str, object]) -> PublicKey:
    """The key in a JWK. Raises `TokenError` for another kind of key or a wrong thumbprint."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or jwk.get("alg", ALGORITHM) != ALGORITHM:
        raise TokenError("the key is no ES256 key")
    x, y = jwk.get("x"), jwk.get("y")
    if not isinstance(x, str) or not isinstance(y, str):
        raise TokenError("the key lacks a coordinate")
    try:
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(_decode(x), "big"), int.from_bytes(_decode(y), "big"), ec.SECP256R1()
        )
        key = public_key(numbers.public_key())
    except ValueError as error:
        raise TokenError("the key is no point of the curve") from error
    if jwk.get("kid") != key.key_id:
        raise TokenError("the key's id is not its thumbprint")
    return key


def raw_signature(der: bytes) -> bytes:
    """The 64 bytes r || s of JWS (RFC 7518 3.4) from the DER form that KMS gives."""
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def signing_input(claims: Claims, policy: Policy, key_id: str) -> str:
    """Header and payload, joined by a dot: what is signed."""
    header = {"alg": ALGORITHM, "kid": key_id, "typ": TYPE}
    payload = {
        "aud": policy.audience,
        "exp": claims.expires_at,
        "iat": claims.issued_at,
        "iss": policy.issuer,
        "name": claims.name,
        "nbf": claims.issued_at,
        "sid": ids.encode(claims.session_id),
        "sub": ids.encode(claims.user_id),
    }
    return ".".join(_encode(json.dumps(part, separators=(",", ":")).encode("utf-8")) for part in (header, payload))


class KeySet:
    """Public keys by id."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = {key.key_id: key for key in keys}

    def get(self, key_id: str) -> PublicKey | None:
        """The key called ``key_id``."""
        return self._keys.get(key_id)

    @property
    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The set as it is published."""
        return {"keys": [key.jwk for key in self._keys.values()]}

    @classmethod
    def of_jwks(cls, document: Mapping[str, object]) -> KeySet:
        """The ES256 keys of a published set; others are left out. Raises `TokenError` if it is no set."""
        entries = document.get("keys")
        if not isinstance(entries, list):
            raise TokenError("the key set has no list of keys")
        return cls(
            key_of_jwk(entry)
            for entry in entries
            if isinstance(entry, Mapping) and entry.get("kty") == "EC" and entry.get("crv") == "P-256"
        )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise TokenError("the token is malformed") from error
    if not isinstance(value, dict):
        raise TokenError("the token is malformed")
    return value


def _seconds(payload: Mapping[str, object], name: str) -> int:
    value = payload.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TokenError(f"the token has no valid {name}")
    return value


def _identity(payload: Mapping[str, object], name: str) -> int:
    value = payload.get(name)
    if not isinstance(value, str):
        raise TokenError(f"the token has no valid {name}")
    try:
        return ids.parse(value)
    except ids.IdError as error:
        raise TokenError(f"the token has no valid {name}") from error


def key_id_of(token: str) -> str:
    """The key that ``token`` says it is signed with, after checking its header. Raises `TokenError`. Trust nothing else yet."""
    if len(token) > MAX_LENGTH or token.count(".") != 2:
        raise TokenError("the token is malformed")
    header = _object(_decode(token.partition(".")[0]))
    if header.get("alg") != ALGORITHM:
        raise TokenError("the token is signed with an algorithm that is not accepted")
    if header.get("typ") != TYPE:
        raise TokenError("the token is no access token")
    if "crit" in header:
        raise TokenError("the token wants an extension that is not known")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 1 <= len(key_id) <= 64:
        raise TokenError("the token names no key")
    return key_id


def verify(token: str, keys: KeySet, policy: Policy, clock: Callable[[], float] = time.time) -> Claims:
    """The claims of ``token``. Raises `TokenError` unless every check passes."""
    key = keys.get(key_id_of(token))
    if key is None:
        raise TokenError("the token is signed with a key that is not known")
    signed, _, signature_text = token.rpartition(".")
    signature = _decode(signature_text)
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise TokenError("the token's signature is malformed")
    der = utils.encode_dss_signature(
        int.from_bytes(signature[:_COORDINATE_BYTES], "big"), int.from_bytes(signature[_COORDINATE_BYTES:], "big")
    )
    try:
        key.key.verify(der, signed.encode("ascii"), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise TokenError("the token is forged") from error
    payload = _object(_decode(signed.partition(".")[2]))
    if payload.get("iss") != policy.issuer:
        raise TokenError("the token comes from another issuer")
    if payload.get("aud") != policy.audience:
        raise TokenError("the token is meant for somebody else")
    now = clock()
    expires_at = _seconds(payload, "exp")
    if now >= expires_at + LEEWAY_SECONDS:
        raise TokenError("the token has expired")
    if now < _seconds(payload, "nbf") - LEEWAY_SECONDS:
        raise TokenError("the token is not valid yet")
    name = payload.get("name")
    if not isinstance(name, str):
        raise TokenError("the token has no valid name")
    return Claims(
        user_id=_identity(payload, "sub"),
        session_id=_identity(payload, "sid"),
        name=name,
        issued_at=_seconds(payload, "iat"),
        expires_at=expires_at,
    )


class KmsSigner:
    """Signs access tokens with a key of KMS."""

    def __init__(self, aws: AwsClients, key_arn: str, policy: Policy) -> None:
        self._aws = aws
        self._key_arn = key_arn
        self._policy = policy
        self._public: PublicKey | None = None

    async def public(self) -> PublicKey:
        """The public half, read once."""
        if self._public is None:
            self._public = await kms_public_key(self._aws, self._key_arn)
        return self._public

    async def sign(self, claims: Claims) -> str:
        """The token for ``claims``. Raises botocore's errors if KMS does not sign."""
        signed = signing_input(claims, self._policy, (await self.public()).key_id)
        client = self._aws.client("kms")
        answer = await in_thread(
            client.sign,
            KeyId=self._key_arn,
            # RAW: KMS hashes; it takes at most 4,096 bytes, more than a token has (emulators hash a DIGEST again).
            Message=signed.encode("ascii"),
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return f"{signed}.{_encode(raw_signature(answer['Signature']))}"


async def kms_public_key(aws: AwsClients, key_arn: str) -> PublicKey:
    """The public half of ``key_arn`` (of the clients' own region). Raises botocore's errors or `TokenError`."""
    answer = await in_thread(aws.client("kms").get_public_key, KeyId=key_arn)
    return key_of_der(answer["PublicKey"])
