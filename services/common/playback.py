"""Signed playback: cookies with which CloudFront lets a viewer fetch one video's objects, for a while.

Owns their form, their lifetime and which key signs. Does not own the keys: public halves are declared
(``stacks/playback_keys``), private halves lie in the cell's secret ``playback``, put there by an operator. Where playback
is not signed (the settings name no keys) no cookie is made, and media need none.

The form is CloudFront's, with a policy of its own for each video:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-setting-signed-cookie-custom-policy.html
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from pydantic import BaseModel, ConfigDict, SecretStr

from services.common.secrets import SecretError, SecretReader, parsed
from services.contracts.media import media_prefix
from services.contracts.playback import fingerprint
from services.contracts.routes import MEDIA_PREFIX
from services.contracts.settings import CellSettings, PlaybackSettings

LEAST_SECONDS: Final = 3_600
"""Whoever opened a page may watch for an hour at least before asking again."""
MOST_SECONDS: Final = 12 * 3_600
KEY_BITS: Final = 2_048
"""What CloudFront takes of RSA."""
_SAFE: Final = bytes.maketrans(b"+=/", b"-_~")


class PlaybackSecret(BaseModel):
    """Private keys, PEM: the one to sign with, and while keys change the one before it."""

    model_config = ConfigDict(frozen=True)

    current: SecretStr
    previous: SecretStr | None = None


@dataclass(frozen=True)
class Signer:
    """A private key and the id under which CloudFront knows its public half."""

    key_id: str
    key: rsa.RSAPrivateKey

    def sign(self, policy: bytes) -> bytes:
        """The signature of ``policy``: RSA over SHA-1, the algorithm that CloudFront checks."""
        return self.key.sign(policy, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - CloudFront checks no other


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie of a set. All are secure and out of the page's reach."""

    name: str
    value: str
    domain: str
    path: str
    seconds: int


def chosen(secret: PlaybackSecret, keys: dict[str, str], arn: str) -> Signer:
    """The newest key whose public half CloudFront has: after a rotation of the secret, the one before until then.

    ``keys``: ids at CloudFront by fingerprint. Raises `SecretError`, which names the secret and no part of it.
    """
    for pem in (secret.current, secret.previous):
        if pem is None:
            continue
        try:
            key = load_pem_private_key(pem.get_secret_value().encode("utf-8"), password=None)
        except (ValueError, TypeError) as error:
            raise SecretError(f"secret {arn} holds no private key in PEM form ({type(error).__name__})") from None
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != KEY_BITS:
            raise SecretError(f"secret {arn} holds a key that is not RSA of {KEY_BITS} bits: CloudFront takes no other")
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
        if (key_id := keys.get(fingerprint(public))) is not None:
            return Signer(key_id, key)
    raise SecretError(
        f"secret {arn} holds no key whose public half is deployed: add it to meridian:playback_keys of the stack global "
        "and deploy global, the regions and steering"
    )


def policy(base: str, video: str, expires: int) -> bytes:
    """Everything of ``video`` and nothing else, until ``expires`` (seconds since 1970). ``base``: origin of the media."""
    statement = {
        "Resource": f"{base}{MEDIA_PREFIX}{media_prefix(video)}*",
        "Condition": {"DateLessThan": {"AWS:EpochTime": expires}},
    }
    return json.dumps({"Statement": [statement]}, separators=(",", ":")).encode("ascii")


def lifetime(duration_ms: int | None) -> int:
    """Seconds that a set of cookies is good for: an hour, and the video twice over; the page renews it meanwhile."""
    return min(MOST_SECONDS, LEAST_SECONDS + 2 * (duration_ms or 0) // 1_000)


def cookies(signer: Signer, base: str, domain: str, video: str, now: int, seconds: int) -> tuple[Cookie, ...]:
    """The set for ``video``. A browser sends it to the media host with requests below the video's prefix only."""
    said = policy(base, video, now + seconds)
    path = f"{MEDIA_PREFIX}{media_prefix(video)}"
    values = {
        "CloudFront-Policy": _encoded(said),
        "CloudFront-Signature": _encoded(signer.sign(said)),
        "CloudFront-Key-Pair-Id": signer.key_id,
    }
    return tuple(Cookie(name, value, domain, path, seconds) for name, value in values.items())


def _encoded(data: bytes) -> str:
    return b64encode(data).translate(_SAFE).decode("ascii")


class Playback:
    """Hands out cookies where playback is signed, and none where it is not."""

    def __init__(self, own: CellSettings, secrets: SecretReader, clock: Callable[[], float] = time.time) -> None:
        self._own = own
        self._secrets = secrets
        self._clock = clock
        self._signer: tuple[str, Signer] | None = None

    async def of(self, video: str, duration_ms: int | None) -> tuple[Cookie, ...]:
        """The cookies for a viewer who may watch ``video``. Raises `SecretError`."""
        settings = self._own.playback
        if settings is None:
            return ()
        signer = await self._current(settings)
        seconds = lifetime(duration_ms)
        return cookies(signer, self._own.hosts.media, self._own.domain, video, int(self._clock()), seconds)

    async def _current(self, settings: PlaybackSettings) -> Signer:
        """Parsed once for each text of the secret, which `SecretReader` reads again every few minutes."""
        text = await self._secrets.text(settings.secret)
        if self._signer is None or self._signer[0] != text:
            secret = parsed(PlaybackSecret, text, settings.secret)
            self._signer = (text, chosen(secret, settings.keys, settings.secret.arn))
        return self._signer[1]
