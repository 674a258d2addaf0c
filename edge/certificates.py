"""The certificate of the embedded edge: an authority of this installation, and one certificate for loopback names.

Owns how they are made and renewed. The authority's key is never stored: it signs once and is gone, so that somebody
who trusts the authority trusts nothing else by it. On AWS the load balancer's certificate comes from ACM.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
NAMES = ("localhost", "*.localhost")
ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM. ``authority`` is what a client may trust."""

    authority: Path
    chain: Path
    key: Path


def ensure(directory: Path, now: datetime | None = None) -> Certificate:
    """The certificate in ``directory``, made if there is none, if it is damaged or if it ends within 30 days."""
    files = Certificate(directory / "authority.pem", directory / "edge.pem", directory / "edge.key")
    moment = now or datetime.now(UTC)
    if not _usable(files, moment):
        _make(files, moment)
    return files


def _usable(files: Certificate, now: datetime) -> bool:
    try:
        leaf = x509.load_pem_x509_certificate(files.chain.read_bytes())
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), password=None)
        leaf.verify_directly_issued_by(authority)
    except (OSError, ValueError, TypeError):
        return False
    return leaf.public_key() == key.public_key() and now + RENEW_BEFORE < leaf.not_valid_after_utc


def _make(files: Certificate, now: datetime) -> None:
    files.key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Meridian local authority")
    authority = (
        _builder(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    alternatives = [
        *(x509.DNSName(name) for name in NAMES),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES),
    ]
    leaf = (
        _builder(issuer, _name("localhost"), key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(files.key, secret, 0o600)
    _write(files.authority, authority.public_bytes(pem), 0o644)
    _write(files.chain, leaf.public_bytes(pem) + authority.public_bytes(pem), 0o644)


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFE)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(file: Path, content: bytes, mode: int) -> None:
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=mode)
    temporary.write_bytes(content)
    temporary.replace(file)
