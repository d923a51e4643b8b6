import os
import subprocess
from pathlib import Path

import pytest

from resolvers.errors import ExpectedError
from resolvers.net.certificates import configured_certificates, tls_context
from resolvers.net.profile import CERTIFICATE_VARIABLES


def test_certificates_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "none.pem"))
    with pytest.raises(ExpectedError, match=r"none\.pem' \(PIP_CERT\)"):
        tls_context()


def authority() -> str:
    """Return the certificate of an authority."""
    import certifi

    return "-----BEGIN" + Path(certifi.where()).read_text().split("-----BEGIN")[1]


@pytest.mark.parametrize("variable", CERTIFICATE_VARIABLES)
def test_the_certificates_of_each_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    one = tmp_path / "one.pem"
    one.write_text(authority())
    monkeypatch.setenv(variable, str(one))
    assert len(tls_context().get_ca_certs()) == 1


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the certificate of a server that is no authority."""
    for name in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    made = tmp_path / "server.pem"
    words = ("-subj", "/CN=a.invalid", "-addext", "basicConstraints=critical,CA:FALSE")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *words]
    subprocess.run([*command, "-keyout", os.devnull, "-out", made], check=True, capture_output=True)
    return made


def test_certificates_of_servers_and_of_folders_are_for_other_programs_too(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CERT", str(certificate))
    assert configured_certificates() == certificate.read_text()
    folder = certificate.parent / "folder"
    folder.mkdir()
    (folder / "README").write_text("a text")
    (folder / "both.pem").write_text(certificate.read_text())
    subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)
    monkeypatch.setenv("PIP_CERT", str(folder))
    assert configured_certificates() == certificate.read_text()
    (folder / "12345678.0").write_text(authority())
    assert configured_certificates().count("BEGIN") == 2
    # OpenSSL itself reads a file of a folder when a server has a certificate with this hash.
    (folder / "12345678.1").write_text(authority()[:120] + authority()[121:])
    with pytest.raises(ExpectedError, match=r"12345678\.1' \(PIP_CERT\)"):
        configured_certificates()


def test_a_folder_without_certificates_is_an_error(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CERT", str(certificate.parent))
    with pytest.raises(ExpectedError, match=r"\(PIP_CERT\) has no certificates") as caught:
        tls_context()
    assert "openssl rehash" in caught.value.hint
