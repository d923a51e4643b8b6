"""npm in its temporary folder: it reads the project's .npmrc, and no copy of it is made."""

from pathlib import Path

import pytest

from resolvers.npm import program
from resolvers.npm.config import NpmConfig
from resolvers.npm.session import open_session


@pytest.mark.slow
def test_the_settings_of_a_project_are_read_without_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / ".npmrc"
    project.write_text("init-author-name=somebody\n//npm.example/:_authToken=secret\n")
    config = NpmConfig(
        registries={"": "https://npm.example/"},
        tokens={},
        project=str(project),
        is_simple=False,
    )
    monkeypatch.setattr(program, "config", lambda: config)
    with open_session({}, frozenset(), None) as session:
        words = ["config", "get", "init-author-name", f"--prefix={session.folder}"]
        assert program.run(words, cwd=session.folder).strip() == "somebody"
        files = [path for path in session.folder.rglob("*") if not path.is_symlink()]
        assert [path for path in files if b"secret" in path.read_bytes()] == []
