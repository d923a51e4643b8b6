"""The checks of proxies and certificates, also of those in the network profile."""

import os
from pathlib import Path

import pytest

from orbiter.doctor.check import Check, run_checks
from orbiter.doctor.network import check_certificates, check_proxies
from orbiter.doctor.result import CheckResult
from resolvers.net import profile
from resolvers.net.profile import CERTIFICATE_VARIABLES, Setting

PROFILE = "/etc/orbiter/config.toml"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = [name for name in os.environ if name.lower().endswith("_proxy")]
    for name in (*proxies, *CERTIFICATE_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def proxies() -> str:
    (found,) = run_checks([Check("proxies", check_proxies)])
    assert found.state == "ok"
    return found.detail


def certificates() -> CheckResult:
    (found,) = run_checks([Check("certificates", check_certificates)])
    return found


def test_no_proxies() -> None:
    assert proxies() == "none"


def test_proxies_without_their_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:hidden@proxy.example:3128")
    monkeypatch.setenv("no_proxy", ".example")
    assert proxies() == (
        "none for http, http://proxy.example:3128 for https (set by HTTPS_PROXY), "
        "none for .example (set by no_proxy)"
    )


def test_a_proxy_without_a_scheme_has_no_password_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ann:hidden@proxy.example:3128")
    assert proxies() == "none for http, http://proxy.example:3128 for https (set by HTTPS_PROXY)"


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("socks5://ann:hidden@proxy.example:1080", "socks5://proxy.example:1080"),
        ("http://ann:hid/den@proxy.example", "http://proxy.example"),
    ],
)
def test_a_proxy_that_cannot_be_used(
    proxy: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    (found,) = run_checks([Check("proxies", check_proxies)])
    assert found.state == "failed"
    assert found.detail == f"{shown}, set by ALL_PROXY, cannot be used"
    assert "SOCKS is not supported" in found.hint


def test_a_host_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.org,[::1]")
    (found,) = run_checks([Check("proxies", check_proxies)])
    assert (found.state, found.fault) == ("failed", "proxy")
    assert found.detail == "NO_PROXY has the host '[::1]', which cannot be used"
    assert "without brackets" in found.hint


def test_the_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "")  # so that the end of the test restores it
        monkeypatch.delenv(name)
    setting = Setting("http://proxy.example:3128", f"proxy in {PROFILE}")
    monkeypatch.setattr(profile, "_state", profile._State())
    profile.use({"proxy": setting})
    assert f"for https (set by proxy in {PROFILE})" in proxies()


def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert certificates().detail == "those of the system, and those of certifi"
    bundle = tmp_path / "bundle.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    missing = certificates()
    assert (missing.state, "SSL_CERT_FILE" in missing.detail) == ("failed", True)
    assert "PEM certificates" in missing.hint
