"""Tokens and a certificate for the benchmark. Owns no measurement."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def encode(raw: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def hs256(secret: str, subject: str) -> str:
    """A JWT as peers verify it."""
    now = int(time.time())
    header = {"alg": "HS256", "typ": "JWT"}
    payload = {
        "aud": "https://bench.test",
        "exp": now + 7200,
        "iat": now,
        "iss": "https://api.bench.test",
        "name": "A user of the benchmark",
        "sub": subject,
    }
    signed = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
    return f"{signed}.{encode(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"


def certificate(directory: Path) -> tuple[Path, Path]:
    """(certificate, key) for localhost, ECDSA P-256, both in one file of each."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    paths = (directory / "certificate.pem", directory / "key.pem")
    for path, content in zip(paths, (public + private, private), strict=True):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return paths
