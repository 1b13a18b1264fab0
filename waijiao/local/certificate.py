"""Certificates of the API: makes one for addresses of the local network, and checks one's own before it is used.

docs/decisions/0025 says why it is one self-signed certificate and no certificate authority.
"""

import ipaddress
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipeline.errors import ConfigurationError
from pipeline.ip_ranges import Address

VALID_DAYS = 397  # browsers refuse certificates of more than 398 days
RENEWAL = timedelta(days=30)  # before its end, a certificate that was made here is replaced
CLOCK_ERROR = timedelta(days=1)  # by which the clock of a phone may be slow


@dataclass(frozen=True)
class Certificate:
    """What is to be known of a certificate: whom it is for, when it ends, and its SHA-256 fingerprint, `AB:CD:…`."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]
    ends_at: datetime
    fingerprint: str

    def is_for(self, names: Sequence[str], addresses: Sequence[Address]) -> bool:
        return set(self.names).issuperset(names) and set(self.addresses).issuperset(addresses)


def make_certificate(names: Sequence[str], addresses: Sequence[Address], now: datetime) -> bytes:
    """A new private key and a certificate that it has signed itself, valid from `now`, as one PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Waijiao")])
    alternatives = [*map(x509.DNSName, names), *map(x509.IPAddress, addresses)]
    usage = x509.KeyUsage(
        digital_signature=True,
        **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False),
        **dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False),
    )
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - CLOCK_ERROR)
        .not_valid_after(now - CLOCK_ERROR + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def write_private(path: Path, data: bytes) -> None:
    """Replace the file in one step with one that only its owner may read. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # 0600 from its first byte on
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_certificate(data: bytes) -> Certificate:
    """The first certificate in a PEM text. Raises ValueError when there is none."""
    return describe(x509.load_pem_x509_certificate(data))


def describe(certificate: x509.Certificate) -> Certificate:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        alternatives = x509.SubjectAlternativeName([])
    names = tuple(alternatives.get_values_for_type(x509.DNSName))
    addresses = tuple(
        each
        for each in alternatives.get_values_for_type(x509.IPAddress)
        if isinstance(each, (ipaddress.IPv4Address, ipaddress.IPv6Address))
    )
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(names, addresses, certificate.not_valid_after_utc, fingerprint)


def check_own(certificate_file: Path, key_file: Path | None, now: datetime | None = None) -> Certificate:
    """One's own certificate, which is usable with its key now. Raises ConfigurationError, which says why it is not."""
    now = now or datetime.now(UTC)
    data = read_file(certificate_file, "certificate")
    try:
        certificate = x509.load_pem_x509_certificate(data)
        description = describe(certificate)
    except ValueError as error:
        raise ConfigurationError(
            f"{certificate_file} contains no certificate in PEM form (a text that begins with "
            "-----BEGIN CERTIFICATE-----)."
        ) from error
    if description.ends_at <= now:
        raise ConfigurationError(f"The certificate {certificate_file} expired on {description.ends_at:%Y-%m-%d}.")
    if certificate.not_valid_before_utc > now:
        raise ConfigurationError(
            f"The certificate {certificate_file} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC "
            "on. Is the clock of this machine right?"
        )
    key_path = key_file or certificate_file
    if load_public_part(key_path, has_own_file=key_file is not None) != public_bytes(certificate.public_key()):
        raise ConfigurationError(f"The private key in {key_path} is not that of the certificate {certificate_file}.")
    return description


def read_file(path: Path, kind: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The {kind} {path} cannot be read ({error.strerror}).") from error


def load_public_part(path: Path, has_own_file: bool) -> bytes:
    """The public part of the private key in a PEM file. Raises ConfigurationError."""
    data = read_file(path, "private key")
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError as error:  # so the library says that it needs a password
        raise ConfigurationError(
            f"The private key in {path} is encrypted. Write it without a password to a file that only you may read: "
            f"openssl pkey -in {path} -out key.pem"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "" if has_own_file else " Name its file with --key."
        raise ConfigurationError(f"{path} contains no private key in PEM form.{hint}") from error
    return public_bytes(key.public_key())


def public_bytes(key: object) -> bytes:
    """A public key in the one form in which two can be compared."""
    data: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return data
