"""A lock set whose build folder does not follow from its lock files is refused.

The variants are those that reached a server, a host file or a token before, each with a root digest
that fits. A reader of the lock files alone sees nothing of them.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from orbiter.config.image_set import Stage
from orbiter.lockset import folder, model
from orbiter.lockset.model import LockSet, LockSetError
from orbiter.render import derived, version
from orbiter.render.dockerfile import TEMPLATES, render
from orbiter.render.grammar import violation
from orbiter.render.stage_rules import stage_rules
from resolvers.errors import ExpectedError
from tests.support.edits import ARTIFACTS, BAKE, DOCKERFILE, PIP, VARIANTS, Change, in_dockerfile
from tests.support.lock_sets import PROJECT, changed, older, small
from tests.support.paths import ROOT

# An older template version may have had these texts.
ONLY_SAME_TEMPLATES: dict[str, tuple[Change, str]] = {
    "command of a step": (in_dockerfile("set -eu\n", "set -eu\necho evil\n"), DOCKERFILE),
    "command of the image": (in_dockerfile('CMD ["bash"]', 'CMD ["evil"]'), DOCKERFILE),
    "missing list": (lambda _lock_set: {PIP: None}, PIP),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("lock_set", [small(), older()], ids=["same templates", "older templates"])
def test_an_edited_build_folder_is_refused(lock_set: LockSet, name: str) -> None:
    change, path = VARIANTS[name]
    edited = changed(lock_set, change(lock_set))
    assert any(path in found.path for found in derived.underivable(edited))
    with pytest.raises(LockSetError) as caught:
        derived.derive(edited)
    assert caught.value.hint == derived.RELOCK


@pytest.mark.parametrize("name", ONLY_SAME_TEMPLATES)
def test_any_edit_is_refused_if_the_templates_are_the_same(name: str) -> None:
    change, path = ONLY_SAME_TEMPLATES[name]
    (found,) = derived.underivable(changed(small(), change(small())))
    assert (found.path, found.expected) == (path, small().files[path])


def test_a_lock_set_as_rendered_is_accepted() -> None:
    assert derived.underivable(small()) == derived.underivable(older()) == ()
    assert derived.derive(small()).same_templates
    assert not derived.derive(older()).same_templates


def test_lock_files_without_a_build_folder_are_refused() -> None:
    removed: dict[str, str | None] = {path: None for path in small().files if "build/" in path}
    paths = {found.path for found in derived.underivable(changed(small(), removed))}
    assert paths == set(removed)


def test_a_command_in_images_toml_cannot_leave_its_step() -> None:
    *_, base = small().image_set.stages
    escape = "true\n{0}\nRUN id\nRUN <<'{0}'"
    broken = replace(
        base,
        prebuild=(escape.format("PREBUILD"),),
        postbuild=(escape.format("POSTBUILD"), escape.format("POSTBUILDX")),
    )
    edited = with_stage(broken)
    text = render(derived.plan_of(edited))["debian-base/Dockerfile"]
    rules = stage_rules(derived.plan_of(edited), broken)
    assert not violation(text, rules)
    for end in ("PREBUILDX", "POSTBUILDXX"):
        step = text.partition(f"<<'{end}'\n")[2].partition(f"\n{end}\n")[0]
        assert "\nRUN id\n" in step
        # The grammar is what refuses a shorter word, even if an older Orbiter rendered it.
        shorter = text.replace(f"{end}\n", f"{end[:-1]}\n").replace(f"'{end}'", f"'{end[:-1]}'")
        assert "RUN needs --network=none" in violation(shorter, rules)


def test_a_carriage_return_in_a_command_is_refused() -> None:
    *_, base = small().image_set.stages
    edited = with_stage(replace(base, postbuild=("true\rPOSTBUILD\rRUN id",)))
    problems = [found.problem for found in derived.underivable(edited)]
    assert any("a carriage return" in problem for problem in problems)


def with_stage(stage: Stage) -> LockSet:
    """Return the small lock set with another last stage, and the old build folder."""
    image_set = small().image_set
    *others, _ = image_set.stages
    files: dict[str, str | None] = {
        "images.toml": msgspec.toml.encode(
            replace(image_set, stages=(*others, stage)), order="sorted"
        ).decode()
    }
    return changed(small(), files)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "debian-base"', 'name = "../../debian-base"'),
        ('name = "debian-base"', 'name = "debian-base\\n"'),
        ('parent = "debian-core"', 'parent = "evil.example/core"'),
        ('name = "jovyan"', 'name = "jovyan:x"'),
        ('repository = "orbiter-test/small"', 'repository = "${TOKEN}/small"'),
        ('"linux/amd64"', '"linux/../amd64"'),
        ('base = "debian:trixie-slim"', 'base = "debian:trixie-slim\\nRUN id"'),
    ],
)
def test_names_that_would_leave_their_place_are_refused(old: str, new: str) -> None:
    text = small().files["images.toml"]
    assert old in text
    edited = changed(small(), {"images.toml": text.replace(old, new)})
    with pytest.raises(ExpectedError, match=r"images\.toml of the lock set cannot be read"):
        derived.derive(edited)


def test_a_base_image_that_no_builder_uses_is_refused() -> None:
    manifest = small().manifest
    more = {**manifest.bases, "evil.example/base": {"linux/amd64": f"sha256:{1:064x}"}}
    edited = model.seal(replace(manifest, bases=more), small().files)
    with pytest.raises(LockSetError, match="no builder uses the base image evil"):
        derived.derive(edited)


def test_malformed_lock_files_are_an_error() -> None:
    edited = changed(small(), {"debian/poetry.lock": "[[package]]\n"})
    with pytest.raises(LockSetError, match="the lock files are malformed"):
        derived.derive(edited)


def test_the_template_version_follows_the_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = version.template_version()
    (tmp_path / "more.j2").write_text("text\n")
    monkeypatch.setattr(version, "TEMPLATES", (*TEMPLATES, tmp_path))
    version.template_version.cache_clear()
    try:
        assert version.template_version() != before
    finally:
        version.template_version.cache_clear()


def test_the_template_version_covers_the_modules_that_render() -> None:
    modules = ("bake_file", "dockerfile", "lists", "plan")
    imports = "\n".join(f"import orbiter.render.{module}" for module in modules)
    command = [sys.executable, "-c", f"import sys\n{imports}\nprint(*sys.modules)"]
    loaded = subprocess.check_output(command, cwd=ROOT, text=True).split()
    start = "orbiter.render."
    rendering = {f"{name.removeprefix(start)}.py" for name in loaded if name.startswith(start)}
    all_modules = {path.name for path in (ROOT / "orbiter/render").glob("*.py")}
    assert all_modules - rendering == version.OTHER_MODULES


def orbiter(project: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "orbiter", *words]
    env = {**os.environ, "DOCKER_HOST": "unix:///nowhere", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )


def project(tmp_path: Path, lock_set: LockSet) -> Path:
    (tmp_path / "images.toml").write_bytes((PROJECT / "images.toml").read_bytes())
    folder.write(lock_set, tmp_path / "locks" / "0.1.0")
    return tmp_path


def test_every_command_that_builds_refuses_an_edited_bake_file(tmp_path: Path) -> None:
    edited = changed(small(), {BAKE: "{"})
    for words in (("lock", "--check"), ("build", "-q"), ("release", "-q")):
        done = orbiter(project(tmp_path, edited), *words)
        assert done.returncode == 2, done.stderr
        assert f"error: {BAKE}: it differs from what the lock files give" in done.stderr


def another_source(lock_set: LockSet) -> dict[str, str | None]:
    """Return a list that fetches a file from a host of its author."""
    entry = "sha256:" + "a" * 64 + " 1 conda/x.conda conda:https://host.example/x.conda\n"
    return {ARTIFACTS: lock_set.files[ARTIFACTS] + entry}


@pytest.mark.parametrize("make", [small, older])
def test_commands_that_download_refuse_an_edited_list(
    tmp_path: Path, make: Callable[[], LockSet]
) -> None:
    edited = changed(make(), another_source(make()))
    for words in (("fetch", "-q"), ("fetch", "--from", "kept"), ("archive", "-q", "kept")):
        done = orbiter(project(tmp_path, edited), *words)
        assert done.returncode == 2, done.stderr
        assert f"error: {ARTIFACTS}: it differs from what the lock files give" in done.stderr
    assert not (tmp_path / "kept").exists()


def edited_script() -> LockSet:
    """Return a lock set whose Dockerfile has another command that the grammar allows."""
    text = small().files[DOCKERFILE]
    assert "\nset -eu\n" in text
    return changed(older(), {DOCKERFILE: text.replace("\nset -eu\n", "\nset -eu\nid\n", 1)})


def made_up_record(lock_set: LockSet) -> str:
    """Return a digests.toml of images that nobody built."""
    made_up = "sha256:" + "a" * 64
    image = f'digest = "{made_up}"\nconfig = "{made_up}"\nlayers = []\n'
    images = (
        f'[stages.{stage.name}."{platform}"]\n{image}'
        for stage in lock_set.image_set.stages
        for platform in lock_set.image_set.platforms
    )
    head = f'format = 1\nlockset = "{lock_set.root}"\nrelease = "0.1.0"\n[builder]\n[lists]\n'
    return head + "".join(images)


def test_commands_that_cannot_be_compared_are_listed(tmp_path: Path) -> None:
    warning = f"warning: {derived.UNPROVEN}:\n  {DOCKERFILE}\n    hint: {derived.REVIEW}\n"
    edited = edited_script()
    done = orbiter(project(tmp_path, edited), "build", "-q")
    assert warning in done.stderr
    locks = tmp_path / "locks" / "0.1.0"
    # With a record added, Orbiter treats the lock set as an old release.
    (locks / "digests.toml").write_text(made_up_record(edited))
    done = orbiter(tmp_path, "lock", "--check")
    assert done.returncode == 0, done.stderr
    assert warning.replace("warning: ", f"warning: {Path('locks/0.1.0')}: ", 1) in done.stderr
    done = orbiter(tmp_path, "lock", "--check", "--strict")
    assert done.returncode == 2
    assert f"error: --strict: locks/0.1.0: {derived.UNPROVEN}:\n  {DOCKERFILE}\n" in done.stderr


def test_equal_commands_of_other_templates_need_no_review() -> None:
    found = derived.derive(older())
    assert (found.same_templates, found.unproven) == (False, ())


def test_lock_check_says_which_templates_rendered_the_build_folder(tmp_path: Path) -> None:
    assert orbiter(project(tmp_path, small()), "lock", "--check").returncode == 0
    done = orbiter(project(tmp_path, older()), "lock", "--check")
    assert done.returncode == 1
    assert "stale: locks/0.1.0/build: another version of Orbiter rendered it" in done.stdout


def test_a_template_version_is_left_out_of_a_manifest_without_one() -> None:
    assert "templates" not in model.manifest_text(older())
    assert f'templates = "{version.template_version()}"' in model.manifest_text(small())
