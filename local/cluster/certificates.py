"""Who is who in a cluster of this machine: an authority, the servers' certificates, the clients' identities.

Owns the keys and certificates, all made anew for each run and written with mode 0600. The authority's own key is never
written: when the run has begun nobody can be added.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local import paths

LIFETIME: Final = datetime.timedelta(days=2)
_SKEW: Final = datetime.timedelta(minutes=5)

ADMINISTRATOR: Final = ("administrator", "system:masters")
CONTROLLERS: Final = ("system:kube-controller-manager", "")
SCHEDULER: Final = ("system:kube-scheduler", "")
"""Name and group, as RBAC's built-in bindings know them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM texts."""

    certificate: str
    key: str

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """As files that only their owner reads: the certificate's and the key's."""
        certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
        paths.write_private(certificate, self.certificate)
        paths.write_private(key, self.key)
        return certificate, key


class Authority:
    """A certificate authority that lives in this process."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._builder(self._subject, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate: Final = _pem(certificate)

    def server(self, *addresses: str, hosts: Sequence[str] = ()) -> Pair:
        """For a server on these addresses and under these names, which is also a client of the others."""
        names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        names += [x509.DNSName(host) for host in hosts]
        return self._issue("server", "", x509.SubjectAlternativeName(names))

    def client(self, name: str, group: str) -> Pair:
        """For a client that the API server knows by name and group."""
        return self._issue(name, group, None)

    def _issue(self, name: str, group: str, alternatives: x509.SubjectAlternativeName | None) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if group:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if alternatives is not None:
            purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        builder = (
            self._builder(x509.Name(attributes), key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        return Pair(_pem(builder.sign(self._key, hashes.SHA256())), private_key(key))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        """With both key identifiers: newer clients refuse a certificate without."""
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def signing_pair() -> Pair:
    """The key that signs the tokens of service accounts; `certificate` is its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Pair(public.decode("ascii"), private_key(key))


def private_key(key: ec.EllipticCurvePrivateKey) -> str:
    """The key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode("ascii")


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
