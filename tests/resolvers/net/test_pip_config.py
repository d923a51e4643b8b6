"""The origin of an address in pip's configuration."""

from pathlib import Path

import pytest

from resolvers.index import index
from resolvers.net import http, pip_config


def test_an_index_that_does_not_respond_is_named_with_the_origin_of_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PAUSES", ())
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = http://127.0.0.1:9/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    assert pip_config.origin("index-url") == str(file)
    with pytest.raises(http.HTTPError) as caught:
        index.configured().files("acme")
    assert caught.value.message.startswith("http://127.0.0.1:9/simple/acme/ did not respond: ")
    assert caught.value.message.endswith(f"(the address comes from {file})")
    assert "\n" not in caught.value.message
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:19/simple")
    with pytest.raises(http.HTTPError, match=r"\(the address comes from PIP_INDEX_URL\)"):
        index.configured().files("acme")
    assert pip_config.origin("cert-of-nobody") == ""
