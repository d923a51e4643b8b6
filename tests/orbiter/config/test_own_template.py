"""A template of the repository that extends Orbiter's: found, checked, rendered and compared."""

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from orbiter.config.changes import changed_keys
from orbiter.config.image_set import ImageSet, RepositoryFile
from orbiter.config.mistakes import ConfigError
from orbiter.config.own_template import TemplateMistakeError, block_names, check_template
from orbiter.config.read import read_image_set
from orbiter.config.snapshot import dump, load
from orbiter.diff.build_files import file_changes
from orbiter.lockset.model import LockSet
from orbiter.lockset.own_files import kept_files
from orbiter.render import derived
from orbiter.render.dockerfile import TEMPLATES, render
from resolvers.errors import ExpectedError
from tests.support.lock_sets import changed, rendered, small

IMAGES = """\
version = "0.1.0"
repository = "example/notebooks"
templates = "templates"
[builder.debian]
from = "debian:trixie-slim"
[image.debian.core]
"""
EXTENDS = '{% extends "orbiter/Dockerfile.j2" %}\n'
STEP = '{% from "orbiter/macros.j2" import step with context %}\n'
TEMPLATE = f"""{EXTENDS}{STEP}
{{# A comment of the template. #}}
{{% block after_apt %}}
{{% if stage.name == "debian-core" and "apt" in managers %}}
{{% call step() %}}
touch /etc/marker
{{% endcall %}}
{{% endif %}}
{{% endblock %}}
{{% block postbuild %}}
# Before the commands.
{{{{ super() }}}}
{{% endblock %}}
"""


def image_set(place: Path, text: str = TEMPLATE) -> ImageSet:
    (place / "templates").mkdir(exist_ok=True)
    (place / "templates/Dockerfile.j2").write_text(text, encoding="utf-8")
    (place / "images.toml").write_text(IMAGES, encoding="utf-8")
    return read_image_set(place / "images.toml")


def locked(text: str = TEMPLATE) -> LockSet:
    """Return the small lock set with an own template."""
    kept = small()
    content = text.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    template = RepositoryFile(source="templates/Dockerfile.j2", sha256=sha256, size=len(content))
    own = replace(kept.image_set, template=template)
    lock_files = {path: text for path, text in kept.files.items() if not path.startswith("build/")}
    (path,) = kept_files(own).keys() - kept_files(kept.image_set).keys()
    return rendered(kept.manifest, {**lock_files, "images.toml": dump(own), path: text})


def test_a_snapshot_has_the_hash_of_a_template(tmp_path: Path) -> None:
    described = image_set(tmp_path)
    assert "after_apt" not in dump(described)
    assert load(dump(described)) == described


def test_a_changed_template_is_reported(tmp_path: Path) -> None:
    before, after = image_set(tmp_path), image_set(tmp_path, EXTENDS)
    line = "templates: content of templates/Dockerfile.j2 changed"
    assert changed_keys(before, after) == (line,)
    assert changed_keys(before, load(dump(before))) == ()


def test_a_step_of_a_block_is_rendered_for_its_stage_and_can_be_derived() -> None:
    lock_set = locked()
    assert derived.underivable(lock_set) == ()
    texts = [lock_set.files[f"build/debian-{name}/Dockerfile"] for name in ("core", "base")]
    assert [text.count("\ntouch /etc/marker\n") for text in texts] == [1, 0]
    core, base = texts
    # The step follows that of apt, and is offline and reproducible like Orbiter's own ones.
    step = core.partition("\nAPT\n")[2].partition("\nSTEP\n")[0]
    assert "RUN --network=none" in step
    assert "\nARG SOURCE_DATE_EPOCH=" in core
    assert "# Before the commands.\n\nRUN" in base


def test_every_block_is_in_the_template_of_orbiter() -> None:
    folder = next(each for each in TEMPLATES if each.is_dir())
    text = (folder / "Dockerfile.j2").read_text(encoding="utf-8")
    assert {name for name in block_names() if f"{{% block {name} %}}" not in text} == set()
    assert text.count("{% block ") == len(block_names())


def test_an_edited_or_missing_template_of_a_lock_set_is_refused() -> None:
    lock_set = locked()
    (path,) = kept_files(lock_set.image_set)
    other = TEMPLATE.replace("touch /etc/marker", "rm -r /")
    paths = {found.path for found in derived.underivable(changed(lock_set, {path: other}))}
    assert paths == {path, "build/debian-core/Dockerfile"}
    with pytest.raises(ExpectedError, match="does not extend"):
        derived.underivable(changed(lock_set, {path: None}))


def test_a_changed_template_is_a_short_difference() -> None:
    old, new = locked(), locked(TEMPLATE.replace("/etc/marker", "/etc/other"))
    changes = {change.path: change for change in file_changes(old, new)}
    assert [line for line in changes["templates/Dockerfile.j2"].lines if line[0] in "+-"] == [
        "-touch /etc/marker",
        "+touch /etc/other",
    ]
    assert "build/debian-core/Dockerfile" in changes


def block(body: str) -> str:
    return f"{EXTENDS}{STEP}{{% block after_apt %}}{body}{{% endblock %}}\n"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("RUN true\n", 1, "does not extend a template"),
        ("", 1, "does not extend a template"),
        ('{% extends "Dockerfile.j2" %}\n', 1, "extends another template"),
        (EXTENDS + '{% include "/etc/passwd" %}', 2, "Jinja's Include"),
        (EXTENDS + '{% import "orbiter/macros.j2" as x %}', 2, "Jinja's Import"),
        (EXTENDS + '{% from "orbiter/macros.j2" import run with context %}', 2, "only step"),
        (EXTENDS + "{% block after_aptt %}{% endblock %}", 2, "no block 'after_aptt'"),
        (EXTENDS + "\n{% block apt %}\n{% if %}", 4, "it is not a template"),
        (block("{% for x in managers %}{% endfor %}"), 3, "Jinja's For"),
        (block("{{ 9 * 9 }}"), 3, "Jinja's Mul"),
        (block("{{ stage ~ stage }}"), 3, "Jinja's Concat"),
        (block("{{ [1, 2] }}"), 3, "Jinja's List"),
        (block("{{ stage | list }}"), 3, "Jinja's Filter"),
        (block("{{ stage['name'] }}"), 3, "Jinja's Getitem"),
        (block("{% set x = 1 %}"), 3, "Jinja's Assign"),
        (block("{% macro x() %}{% endmacro %}"), 3, "Jinja's Macro"),
        (block("{{ stage.__class__ }}"), 3, "'__class__' is not available"),
        (block("{{ stage.name.upper() }}"), 3, "calls something else"),
        (block("{{ super(1) }}"), 3, "calls something else"),
        (block("{{ range(9) }}"), 3, "calls something else"),
    ],
)
def test_a_template_that_could_do_more_is_refused(text: str, line: int, problem: str) -> None:
    with pytest.raises(TemplateMistakeError) as caught:
        check_template(text)
    assert caught.value.line == line
    assert problem in caught.value.problem
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", [block("{{" + "(" * 20_000 + "}}"), block("{% if a %}" * 5_000 + "{% endif %}" * 5_000)]
)
def test_a_deeply_nested_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateMistakeError):
        check_template(text)


def test_a_mistake_names_the_file_and_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        image_set(tmp_path, f"{EXTENDS}{{% block x %}}{{% endblock %}}")
    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.line) == ("templates", 3)
    assert mistake.problem.startswith("templates/Dockerfile.j2:2: Orbiter has no block 'x'")
    assert "after_apt" in mistake.hint


def test_a_template_with_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="contains the token of a known service"):
        image_set(tmp_path, block(f"\nENV A=ghp_{'a1' * 20}\n"))


def test_folders_without_the_template_or_with_others_are_refused(tmp_path: Path) -> None:
    image_set(tmp_path)
    (tmp_path / "templates/apt.j2").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'templates/apt.j2' is not used"):
        read_image_set(tmp_path / "images.toml")
    (tmp_path / "templates/apt.j2").unlink()
    (tmp_path / "templates/Dockerfile.j2").unlink()
    with pytest.raises(ConfigError, match=r"'templates' has no Dockerfile.j2"):
        read_image_set(tmp_path / "images.toml")
    (tmp_path / "templates").rmdir()
    with pytest.raises(ConfigError, match="does not exist"):
        read_image_set(tmp_path / "images.toml")


def test_an_unknown_value_and_a_line_that_orbiter_refuses_are_errors() -> None:
    with pytest.raises(ExpectedError, match=r"templates/Dockerfile.j2 cannot be rendered: 'oops'"):
        locked(block("{{ oops }}"))
    for line in ("RUN curl example.org", "ADD https://example.org/x /", "COPY --from=other / /"):
        lock_set = locked(block(f"\n{line}\n"))
        assert derived.underivable(lock_set), line
        own_plan = derived.plan_of(lock_set)
        with pytest.raises(ExpectedError, match=r"Dockerfile.j2 adds text .* refuses: line \d+: "):
            derived.check_own_template(own_plan, render(own_plan))
