"""The kinds of failed requests: texts of the libraries and programs that make them."""

import pytest

from orbiter.doctor.faults import REMEDIES, diagnose, fault_of, reason_of
from orbiter.doctor.result import Fault
from resolvers.errors import ExpectedError
from resolvers.net.certificates import Bundle
from resolvers.net.http import HTTPError

URL = "https://index.example/simple/a/"
CASES: list[tuple[int, str, Fault]] = [
    (0, "[Errno -2] Name or service not known", "name"),
    (0, "[Errno -3] Temporary failure in name resolution", "name"),
    (0, "client error (Connect): dns error: failed to lookup address information", "name"),
    (0, "getaddrinfo ENOTFOUND index.example", "name"),
    (0, "Could not resolve 'deb.example'", "name"),
    (0, "[Errno 111] Connection refused", "refused"),
    (0, "connect ECONNREFUSED 127.0.0.1:1", "refused"),
    (0, "tcp connect error: Connection refused (os error 111)", "refused"),
    (0, "407 Proxy Authentication Required", "proxy password"),
    (407, "407 Proxy Authentication Required", "proxy password"),
    (0, "403 Forbidden", "proxy"),
    (0, "502 Bad Gateway", "proxy"),
    (0, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate"),
    (0, "invalid peer certificate: UnknownIssuer", "certificate"),
    (0, "code SELF_SIGNED_CERT_IN_CHAIN", "certificate"),
    (401, "401 Unauthorized", "credentials"),
    (403, "403 Forbidden", "credentials"),
    (0, "npm failed npm error code E401", "credentials"),
    (0, "pull access denied for a/b, repository does not exist", "credentials"),
    (0, 'Head "…": unauthorized: authentication required', "credentials"),
    (404, "404 Not Found", "missing"),
    (0, "manifest unknown: manifest unknown", "missing"),
    (0, "E: Failed to fetch … 404 Not Found [IP: 10.0.0.1 80]", "missing"),
    (0, "tls: x509: certificate signed by unknown authority", "certificate"),
    (410, "410 Gone", "missing"),
    (0, "HTTP status client error (404 Not Found)", "missing"),
    (500, "500 Internal Server Error", "server"),
    (429, "429 Too Many Requests", "server"),
    (0, "toomanyrequests: You have reached your pull rate limit", "server"),
    (503, "503 Service Unavailable", "server"),
    (0, "… is not a page of a package index: its content type is ''", "not an index"),
    (0, "… is not a valid registry response: no JSON", "not an index"),
    (0, "timed out", "time-out"),
    (0, "Connection timed out", "time-out"),
    (0, "no answer within 10 seconds", "time-out"),
    (400, "400 Bad Request", "other"),
    (0, "Server disconnected without sending a response.", "other"),
]


@pytest.mark.parametrize(("status", "reason", "fault"), CASES)
def test_the_kind_of_a_fault(status: int, reason: str, fault: Fault) -> None:
    assert fault_of(status, reason) == fault


@pytest.mark.parametrize("reason", ["Connection refused", "Name or service not known"])
def test_with_a_proxy_only_the_proxy_is_connected_to(reason: str) -> None:
    assert fault_of(0, reason, has_proxy=True) == "proxy"


def test_every_kind_has_a_remedy_and_was_tested() -> None:
    kinds = {fault for _, _, fault in CASES} - {"other"}
    assert kinds == REMEDIES.keys()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (f"{URL} did not respond: timed out", "timed out"),
        (f"{URL} did not respond: timed out (the address comes from PIP_INDEX_URL)", "timed out"),
        (f"{URL} returned 503 Service Unavailable", "503 Service Unavailable"),
        (f"cannot read\n  {URL}", "cannot read …"),
        ("a:" * 1_000_000, "a:" * 1_000_000),  # takes hours in quadratic time
        (
            "http://a.example: an archive address cannot start with http://",
            "… an archive address cannot start with http://",
        ),
    ],
)
def test_the_reason_does_not_repeat_the_address(message: str, reason: str) -> None:
    assert reason_of(message) == reason


def test_a_word_in_an_address_is_not_a_reason() -> None:
    error = ExpectedError("cannot read https://refused.example/certificate: no luck")
    assert diagnose(error).fault == "other"


@pytest.mark.parametrize("reason", ["certificate has expired", "certificate is not yet valid"])
def test_a_wrong_clock_is_the_first_suspect_for_the_time_of_a_certificate(reason: str) -> None:
    error = HTTPError(f"{URL} did not respond: CERTIFICATE_VERIFY_FAILED: {reason}")
    assert "set the clock" in diagnose(error).hint


def test_the_bundle_that_counts_is_the_one_to_change() -> None:
    error = HTTPError(f"{URL} did not respond: CERTIFICATE_VERIFY_FAILED")
    assert diagnose(error).hint == REMEDIES["certificate"]
    hint = diagnose(error, bundle=Bundle("/etc/company.pem", "PIP_CERT")).hint
    assert hint.endswith("to /etc/company.pem, which PIP_CERT names")


def test_the_error_knows_the_better_remedy_for_credentials() -> None:
    denied = HTTPError(f"{URL} returned 401 Unauthorized", "docker login index.example", status=401)
    refused = HTTPError(f"{URL} did not respond: Connection refused", "another remedy")
    assert diagnose(denied).hint == "docker login index.example"
    assert diagnose(refused).hint == REMEDIES["refused"]
    assert diagnose(refused).state == "failed"
