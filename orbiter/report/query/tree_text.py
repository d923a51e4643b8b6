"""``orbiter tree`` as text, in the style of cargo and uv."""

from collections.abc import Iterator

from orbiter.query.tree import Forest, ImageTree, TreeLine
from orbiter.report.phrases import printable
from orbiter.report.query.table import wrapped

REPEATED = "(*) its packages are shown above"
INHERITED = "without the requirements of the image that it starts from"


def render(forest: Forest, *, width: int) -> str:
    """Return the trees; the same tree of several images or platforms once."""
    blocks: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for tree in forest.trees:
        body = tuple(_lines(tree, width, inverted=forest.inverted))
        images = blocks.setdefault(body, {})
        images.setdefault(tree.graph.image, []).append(tree.graph.platform)
    lines = []
    for body, images in blocks.items():
        where = (f"{image} ({', '.join(platforms)})" for image, platforms in images.items())
        lines += [*wrapped(", ".join(where), width), *body, ""]
    if any("(*)" in line for line in lines):
        lines.append(REPEATED)
    lines += [line for note in forest.notes for line in wrapped(f"not shown: {note}", width)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _lines(tree: ImageTree, width: int, *, inverted: bool) -> Iterator[str]:
    if any(node in tree.inherited for node in tree.roots):
        yield INHERITED
    for line in tree.lines():
        text = f"{_branches(line)}{_label(line, tree, inverted=inverted)}"
        yield text if len(text) <= width else f"{text[: width - 1]}…"


def _branches(line: TreeLine) -> str:
    """Return the lines before a package, after its level if some are not drawn."""
    if not line.last:
        return ""
    above = "".join("    " if is_last else "│   " for is_last in line.last[:-1])
    level = f"[{line.depth}] " if line.depth > len(line.last) else ""
    return f"{level}{above}{'└── ' if line.last[-1] else '├── '}"


def _label(line: TreeLine, tree: ImageTree, *, inverted: bool) -> str:
    node = line.node
    parts = [f"{node.name} {node.version}"]
    if line.constraint not in {"", "*"}:
        parts.append(f"({'requires ' if inverted else ''}{line.constraint})")
    if not line.depth:
        parts.append(f"[{node.manager}]")
    requests = tree.graph.roots.get(node, ())
    if inverted and any(request.requirement for request in requests):
        parts.append("requested")
    if line.repeated:
        parts.append("(*)")
    return printable(" ".join(parts))
