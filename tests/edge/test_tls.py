"""Which protocols and ciphers the edges speak, tried against the running ones."""

from __future__ import annotations

import socket
import ssl
import warnings

import pytest

from tests.edge.conftest import Edge


def _handshake(edge: Edge, port: int, version: ssl.TLSVersion, ciphers: str | None = None) -> tuple[str, str]:
    """(protocol, cipher) that were agreed on. Raises `ssl.SSLError` or `ConnectionError`."""
    context = edge.context
    # Old versions are warned of, and that is what is tried.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        cipher = secured.cipher()
        assert cipher is not None
        return str(secured.version()), cipher[0]


def ports(edge: Edge) -> list[int]:
    return [edge.front, edge.s3_port, *edge.tls.values()]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=lambda version: version.name)
def test_what_is_older_than_tls_1_2_is_refused(edge: Edge, version: ssl.TLSVersion) -> None:
    for port in ports(edge):
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            _handshake(edge, port, version)


@pytest.mark.parametrize(
    ("version", "name"),
    [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")],
    ids=["TLSv1.2", "TLSv1.3"],
)
def test_tls_1_2_and_1_3_are_spoken_with_forward_secrecy_and_authenticated_ciphers(
    edge: Edge, version: ssl.TLSVersion, name: str
) -> None:
    for port in ports(edge):
        spoken, cipher = _handshake(edge, port, version)
        assert spoken == name
        assert "GCM" in cipher or "POLY1305" in cipher
        assert cipher.startswith(("ECDHE-", "TLS_"))


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"])
def test_ciphers_without_forward_secrecy_or_authentication_are_refused(edge: Edge, ciphers: str) -> None:
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        _handshake(edge, edge.front, ssl.TLSVersion.TLSv1_2, f"{ciphers}:@SECLEVEL=0")
