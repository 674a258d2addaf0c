import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from edge import certificates


def test_the_certificate_is_made_once_and_its_key_is_private(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert certificates.ensure(tmp_path) == first
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
    assert set(before) == {first.authority, first.chain, first.key}, "the authority's key must not be kept"


def test_it_names_localhost_and_the_loopback_addresses(tmp_path: Path) -> None:
    leaf = x509.load_pem_x509_certificate(certificates.ensure(tmp_path).chain.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_it_is_renewed_a_month_before_its_end(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    files = certificates.ensure(tmp_path, now)
    first = files.chain.read_bytes()
    certificates.ensure(tmp_path, now + certificates.LIFE - certificates.RENEW_BEFORE - timedelta(hours=1))
    assert files.chain.read_bytes() == first
    certificates.ensure(tmp_path, now + certificates.LIFE - certificates.RENEW_BEFORE + timedelta(hours=1))
    assert files.chain.read_bytes() != first


@pytest.mark.parametrize("name", ["edge.key", "edge.pem", "authority.pem"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_lost_or_damaged_file_is_replaced_by_a_set_that_fits_together(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    files = certificates.ensure(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    certificates.ensure(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
