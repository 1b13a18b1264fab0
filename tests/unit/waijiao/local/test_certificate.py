"""Certificates: those made here are as browsers want them, and one's own is checked before it is used."""

import os
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from pipeline.errors import ConfigurationError
from waijiao.local.certificate import check_own, make_certificate, read_certificate, write_private

NOW = datetime.now(UTC).replace(microsecond=0)
NAMES, ADDRESSES = ["localhost", "school-pc.local"], [ip_address("192.168.1.20"), ip_address("fd00::2")]


def make_parts(now: datetime = NOW) -> tuple[bytes, bytes]:
    """A private key and a certificate for it, each as PEM."""
    data = make_certificate(NAMES, ADDRESSES, now)
    key, mark, certificate = data.partition(b"-----BEGIN CERTIFICATE-----")
    return key, mark + certificate


@pytest.fixture
def own(tmp_path):
    """The files of one's own certificate and of its key."""
    key, certificate = make_parts()
    (tmp_path / "school.crt").write_bytes(certificate)
    (tmp_path / "school.key").write_bytes(key)
    return tmp_path / "school.crt", tmp_path / "school.key"


def test_a_certificate_is_for_its_names_and_addresses_for_no_longer_than_browsers_allow():
    data = make_certificate(NAMES, ADDRESSES, NOW)
    certificate, described = x509.load_pem_x509_certificate(data), read_certificate(data)
    assert certificate.not_valid_before_utc < NOW, "the clock of a phone may be slow"
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=397)
    assert described.ends_at - NOW > timedelta(days=390)
    assert (list(described.names), list(described.addresses)) == (NAMES, ADDRESSES)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_whoever_gets_the_certificate_can_sign_no_others_with_it():
    certificate = x509.load_pem_x509_certificate(make_certificate(NAMES, ADDRESSES, NOW))
    assert not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_each_certificate_has_a_key_of_its_own():
    keys = {make_parts()[0] for _ in range(3)}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("names", "addresses", "is_for"),
    [
        (NAMES, ADDRESSES, True),
        (NAMES[:1], ADDRESSES[:1], True),
        ([*NAMES, "other.local"], ADDRESSES, False),
        (NAMES, [*ADDRESSES, ip_address("192.168.1.21")], False),
    ],
)
def test_a_certificate_is_for_fewer_addresses_too_but_not_for_others(names, addresses, is_for):
    assert read_certificate(make_certificate(NAMES, ADDRESSES, NOW)).is_for(names, addresses) is is_for


def test_a_key_is_written_for_its_owner_alone_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "server.pem"
    before = os.umask(0)
    try:
        for content in (b"one", b"another"):
            write_private(path, content)
            assert path.read_bytes() == content
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_cannot_be_written_leaves_the_old_one(tmp_path):
    (tmp_path / "server.pem").mkdir()
    with pytest.raises(OSError, match=r"server\.pem"):
        write_private(tmp_path / "server.pem", b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["server.pem"]


def test_one_s_own_certificate_is_taken_with_its_key_in_one_file_or_two(own, tmp_path):
    certificate, key = own
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert check_own(certificate, key) == check_own(both, None) == read_certificate(certificate.read_bytes())


def encrypt(key: bytes) -> bytes:
    private = serialization.load_pem_private_key(key, None)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def spoil(kind: str, certificate, key) -> None:
    """Make the pair of files unusable in this way."""
    if kind == "another key":
        key.write_bytes(make_parts()[0])
    elif kind == "expired":
        key_data, certificate_data = make_parts(NOW - timedelta(days=400))
        key.write_bytes(key_data)
        certificate.write_bytes(certificate_data)
    elif kind == "not yet valid":
        key_data, certificate_data = make_parts(NOW + timedelta(days=5))
        key.write_bytes(key_data)
        certificate.write_bytes(certificate_data)
    elif kind == "encrypted":
        key.write_bytes(encrypt(key.read_bytes()))
    elif kind == "no certificate":
        certificate.write_text("hello")
    elif kind == "no key":
        key.write_bytes(certificate.read_bytes())
    elif kind == "missing certificate":
        certificate.unlink()
    elif kind == "missing key":
        key.unlink()
    elif kind == "a folder":
        key.unlink()
        key.mkdir()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("another key", r"school\.key is not that of the certificate .*school\.crt"),
        ("expired", r"school\.crt expired on \d{4}-\d\d-\d\d"),
        ("not yet valid", r"school\.crt is valid from .* clock"),
        ("encrypted", r"school\.key is encrypted\. .*openssl pkey -in"),
        ("no certificate", r"school\.crt contains no certificate in PEM form"),
        ("no key", r"school\.key contains no private key in PEM form\.$"),
        ("missing certificate", r"certificate .*school\.crt cannot be read \(No such file"),
        ("missing key", r"private key .*school\.key cannot be read \(No such file"),
        ("a folder", r"school\.key cannot be read \(Is a directory"),
    ],
)
def test_a_certificate_that_cannot_be_used_says_why(own, kind, message):
    spoil(kind, *own)
    with pytest.raises(ConfigurationError, match=message):
        check_own(*own)


def test_a_certificate_without_its_key_names_the_option(own):
    with pytest.raises(ConfigurationError, match="--key"):
        check_own(own[0], None)
