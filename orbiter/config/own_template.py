"""The template of the repository that extends Orbiter's, found and checked.

It may come with a lock set of somebody else. So it may only use a few parts of Jinja, which take
time in proportion to its length and reach nothing but the values of Orbiter's own templates.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from orbiter.config.image_set import RepositoryFile
from orbiter.config.mistakes import Mistakes
from orbiter.config.own_files import (
    FileMistakeError,
    path_inside,
    relative_path,
    small_file,
    unreadable,
)
from orbiter.config.secret_values import text_reason

if TYPE_CHECKING:
    from jinja2 import nodes

NAME = "Dockerfile.j2"
"""The file in the folder of ``templates``."""
PREFIX = "orbiter/"
"""The prefix of the names of Orbiter's templates."""
KEY = "templates"
STEPS = (
    *("user", "prebuild", "apk", "apt", "conda", "npm", "pip"),
    *("downloads", "files", "postbuild"),
)
"""The steps of a stage in their order. Each has a block and is followed by ``after_<step>``."""
MACRO = "step"
_FIRST_LINE = f'{{% extends "{PREFIX}{NAME}" %}}'
_ALLOWED = frozenset(
    (
        *("Template", "Extends", "FromImport", "Block", "Output", "TemplateData"),
        *("If", "Compare", "Operand", "And", "Or", "Not"),
        *("Name", "Const", "Getattr", "Call", "CallBlock", "Keyword"),
    )
)
"""The nodes of Jinja's syntax that an own template may have. There are no loops among them."""


class TemplateMistakeError(Exception):
    """A mistake in an own template: its line, the problem and the remedy."""

    def __init__(self, line: int, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.line, self.problem, self.hint = line, problem, hint


def block_names() -> frozenset[str]:
    """Return the names of all blocks that an own template may define."""
    after = (f"after_{step}" for step in ("base", *STEPS))
    return frozenset((*STEPS, *after, "before_user"))


def own_template(folder: str, root: Path, mistakes: Mistakes) -> RepositoryFile | UnsetType:
    """Return the template in a folder of the repository, or UNSET if ``folder`` is "".

    ``root`` is the folder of images.toml.
    """
    if not folder:
        return UNSET
    try:
        return _read(folder, root)
    except FileMistakeError as error:
        mistakes.add(KEY, error.problem, hint=error.hint)
        return UNSET


def check_template(text: str) -> None:
    """Check the text of an own template. Raises TemplateMistakeError with the first mistake."""
    for node in _nodes(text):
        _check(node)


def _read(folder: str, root: Path) -> RepositoryFile:
    relative = relative_path(folder)
    path = path_inside(root, relative)
    if not path.is_dir():
        raise FileMistakeError(f"'{folder}' is not a folder", f"name the folder of {NAME}")
    try:
        names = sorted(each.name for each in path.iterdir() if each.suffix == ".j2")
    except OSError as error:
        raise unreadable(relative, error) from None
    unknown = [name for name in names if name != NAME]
    if unknown:
        problem = f"'{relative / unknown[0]}' is not used: only {NAME} can be extended"
        raise FileMistakeError(problem, f"move its blocks to {relative / NAME}")
    if not names:
        hint = f"add the file, which begins with {_FIRST_LINE}"
        raise FileMistakeError(f"'{relative}' has no {NAME}", hint)
    return _read_file(root, relative / NAME)


def _read_file(root: Path, source: PurePosixPath) -> RepositoryFile:
    file, content = small_file(source, root, "move its commands to scripts in postbuild")
    try:
        text = content.decode()
        check_template(text)
    except UnicodeDecodeError:
        raise FileMistakeError(f"'{source}' is not UTF-8", "save it as UTF-8") from None
    except TemplateMistakeError as error:
        raise FileMistakeError(f"{source}:{error.line}: {error.problem}", error.hint) from None
    if reason := text_reason(text):
        hint = "remove it: the lock set and the image would contain it"
        raise FileMistakeError(f"'{source}' seems to have a secret: {reason}", hint)
    return file


def _nodes(text: str) -> Iterator["nodes.Node"]:
    """Yield all nodes of a template, each before those inside it."""
    from jinja2 import Environment, TemplateSyntaxError, nodes

    try:
        template = Environment(autoescape=False).parse(text)
    except TemplateSyntaxError as error:
        problem = f"it is not a template: {error.message}"
        raise TemplateMistakeError(error.lineno, problem, "correct the syntax of Jinja") from None
    except RecursionError:
        raise TemplateMistakeError(1, "it is nested too deeply", "simplify it") from None
    first = next((node for node in template.body if not _is_blank(node)), None)
    if not isinstance(first, nodes.Extends):
        hint = f"begin with {_FIRST_LINE}"
        raise TemplateMistakeError(1, "it does not extend a template of Orbiter", hint)
    waiting: list[nodes.Node] = [template]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.iter_child_nodes())


def _is_blank(node: "nodes.Node") -> bool:
    """Return whether a node is text of blanks, such as the rest of a comment's line."""
    from jinja2 import nodes

    return isinstance(node, nodes.Output) and all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
    )


def _check(node: "nodes.Node") -> None:
    from jinja2 import nodes

    kind = type(node).__name__
    if kind not in _ALLOWED:
        problem = f"Jinja's {kind} is not available in own templates"
        raise TemplateMistakeError(node.lineno, problem, "use blocks, if, step and super() only")
    if isinstance(node, nodes.Block) and node.name not in block_names():
        hint = f"use one of {', '.join(sorted(block_names()))}"
        raise TemplateMistakeError(node.lineno, f"Orbiter has no block '{node.name}'", hint)
    if isinstance(node, nodes.Extends) and not _is_text(node.template, f"{PREFIX}{NAME}"):
        problem = "it extends another template"
        raise TemplateMistakeError(node.lineno, problem, f"write {_FIRST_LINE}")
    if isinstance(node, nodes.FromImport):
        _check_import(node)
    if isinstance(node, nodes.Call) and not _is_own_call(node):
        problem = "it calls something else than step and super"
        hint = f"write {{% call {MACRO}() %}}…{{% endcall %}} for commands"
        raise TemplateMistakeError(node.lineno, problem, hint)
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        problem = f"'{node.attr}' is not available in own templates"
        raise TemplateMistakeError(node.lineno, problem, "remove it")


def _check_import(node: "nodes.FromImport") -> None:
    is_step = _is_text(node.template, f"{PREFIX}macros.j2") and node.names == [MACRO]
    if not is_step or not node.with_context:
        hint = f'write {{% from "{PREFIX}macros.j2" import {MACRO} with context %}}'
        raise TemplateMistakeError(node.lineno, f"only {MACRO} can be imported", hint)


def _is_text(node: object, text: str) -> bool:
    from jinja2 import nodes

    return isinstance(node, nodes.Const) and node.value == text


def _is_own_call(node: "nodes.Call") -> bool:
    from jinja2 import nodes

    is_known = isinstance(node.node, nodes.Name) and node.node.name in {MACRO, "super"}
    return is_known and not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
