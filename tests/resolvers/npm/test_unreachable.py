"""npm's own errors."""

from pathlib import Path

from resolvers.errors import ProgramError
from resolvers.npm.config import NpmConfig
from resolvers.npm.session import Session

# The beginning of what npm 9 prints for a registry that does not answer.
REFUSED = """\
npm ERR! code ECONNREFUSED
npm ERR! syscall connect
npm ERR! errno ECONNREFUSED
npm ERR! FetchError: request to http://127.0.0.1:9/is-odd failed, reason: connect ECONNREFUSED
npm ERR!     at ClientRequest.<anonymous> (/usr/share/nodejs/node-fetch/lib/index.js:1505:11)
"""


def test_a_registry_that_does_not_respond_is_one_line_with_the_origin_of_its_address() -> None:
    config = NpmConfig(registries={"": "http://127.0.0.1:9/"}, origins={"": "/home/me/.npmrc"})
    session = Session(folder=Path("/nowhere"), as_of=None, config=config)
    error = session._explain(ProgramError("npm failed", output=REFUSED))
    assert error.message == (
        "http://127.0.0.1:9/is-odd did not respond: connect ECONNREFUSED "
        "(the address comes from /home/me/.npmrc)"
    )
    assert "online" in error.hint
