from pathlib import Path

import pytest

from resolvers.errors import ExpectedError
from resolvers.net.certificates import tls_context
from resolvers.net.profile import CERTIFICATE_VARIABLES


def test_certificates_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "none.pem"))
    with pytest.raises(ExpectedError, match=r"none\.pem' \(PIP_CERT\)"):
        tls_context()


@pytest.mark.parametrize("variable", CERTIFICATE_VARIABLES)
def test_the_certificates_of_each_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    import certifi

    for name in CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    one = tmp_path / "one.pem"
    one.write_text("-----BEGIN" + Path(certifi.where()).read_text().split("-----BEGIN")[1])
    monkeypatch.setenv(variable, str(one))
    assert len(tls_context().get_ca_certs()) == 1
