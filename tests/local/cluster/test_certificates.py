"""The keys and certificates of a local cluster: private, from one authority, for what they are meant."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from local.cluster import certificates
from local.cluster.certificates import Authority

LOOPBACK = "127.0.0.1"


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    for path in Authority("test").client("somebody", "").write(tmp_path, "somebody"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_client_is_known_by_name_and_group() -> None:
    pair = Authority("test").client(*certificates.ADMINISTRATOR)
    subject = x509.load_pem_x509_certificate(pair.certificate.encode()).subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "administrator"
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:masters"


def test_the_public_half_of_the_signing_key_is_its_own() -> None:
    pair = certificates.signing_pair()
    assert "PUBLIC KEY" in pair.certificate
    assert "PRIVATE KEY" in pair.key
    assert "PRIVATE" not in pair.certificate


def handshake(tmp_path: Path, server: Authority, client: Authority, trusted: Authority) -> None:
    """A mutual handshake over loopback. Raises ssl.SSLError, or OSError, when either side refuses the other."""
    certificate, key = server.server(LOOPBACK).write(tmp_path, "server")
    listening = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=server.certificate)
    listening.verify_mode = ssl.CERT_REQUIRED
    listening.load_cert_chain(certificate, key)
    asking = ssl.create_default_context(cadata=trusted.certificate)
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    asking.load_cert_chain(*client.client("somebody", "").write(tmp_path, "client"))
    failed: list[Exception] = []

    def serve() -> None:
        try:
            accepted, _ = bound.accept()
            with accepted, listening.wrap_socket(accepted, server_side=True) as secured:
                secured.sendall(b"x")
        except OSError as error:
            failed.append(error)

    with socket.create_server((LOOPBACK, 0)) as bound:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with (
                socket.create_connection(bound.getsockname()) as plain,
                asking.wrap_socket(plain, server_hostname=LOOPBACK) as secured,
            ):
                assert secured.recv(1) == b"x"
        finally:
            thread.join()
    assert not failed


def test_both_sides_of_one_authority_trust_each_other_even_strictly(tmp_path: Path) -> None:
    authority = Authority("test")
    handshake(tmp_path, authority, authority, authority)


def test_a_stranger_is_refused_on_either_side(tmp_path: Path) -> None:
    ours, theirs = Authority("ours"), Authority("theirs")
    with pytest.raises(OSError):
        handshake(tmp_path, theirs, theirs, ours)
    with pytest.raises(OSError):
        handshake(tmp_path, ours, theirs, ours)
