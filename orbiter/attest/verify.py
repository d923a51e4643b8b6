"""Comparison of signed statements with the lock set and with the image in the registry. Pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from orbiter.attest.attached import SignedStatement, other_image
from orbiter.attest.dependencies import digest_set
from orbiter.attest.provenance import PREDICATE_TYPE, Provenance
from orbiter.oci.published import PublishedImage

HINTS = frozenset({"uri", "downloadLocation"})
"""Fields of dependencies that help to find a file. Only its digest says which file it is."""
SHOWN = 80
"""Number of characters of a value in a message."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one image; ``problem`` is empty if its provenance is signed and right."""

    reference: str
    digest: str
    signer: str = ""
    problem: str = ""


def verify(
    provenance: Provenance, published: PublishedImage, signed: Iterable[SignedStatement]
) -> Verification:
    """Compare the statements about an image with the lock set; one right statement is enough."""
    found = tuple(signed)
    problem = other_image(provenance, published) or _signature_problem(found)
    signer = ""
    if not problem:
        expected = json.loads(provenance.statement(published.index))
        accepted = [each for each in found if not each.problem]
        problems = [_statement_problem(each, published.digest, expected) for each in accepted]
        position = problems.index("") if "" in problems else 0
        problem, signer = problems[position], accepted[position].signer
    return Verification(
        reference=provenance.reference, digest=published.digest, signer=signer, problem=problem
    )


def _signature_problem(found: tuple[SignedStatement, ...]) -> str:
    if not found:
        return "it has no signature of this kind"
    if all(each.problem for each in found):
        return f"none of its signatures is accepted: {found[0].problem}"
    return ""


def _statement_problem(signed: SignedStatement, digest: str, expected: Any) -> str:
    try:
        statement = json.loads(signed.statement)
    except (ValueError, RecursionError):
        return "the signed statement is not JSON"
    if not isinstance(statement, dict) or statement.get("predicateType") != PREDICATE_TYPE:
        return "the signed statement is not provenance"
    subjects = list(_digests(statement.get("subject")))
    if digest_set(digest) not in subjects:
        return f"the signed statement is about {_shown(subjects)}, but the registry has {digest}"
    for path, was, should_be in _differences(statement, expected, ""):
        return (
            f"the signed statement does not match the lock set: {path[1:]} "
            f"is {_shown(was)}, but the lock set has {_shown(should_be)}"
        )
    return ""


def _digests(subjects: Any) -> Iterator[Any]:
    for subject in subjects if isinstance(subjects, list) else ():
        yield subject.get("digest") if isinstance(subject, dict) else None


def _differences(actual: Any, expected: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path and both values of everything that differs."""
    if isinstance(actual, dict) and isinstance(expected, dict):
        for key in sorted({*actual, *expected} - HINTS):
            yield from _differences(actual.get(key), expected.get(key), f"{path}.{key}")
    elif isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        for position, pair in enumerate(zip(actual, expected, strict=True)):
            yield from _differences(*pair, f"{path}[{position}]")
    elif actual != expected:
        yield path, actual, expected


def _shown(value: Any) -> str:
    """Return a value on one line; a terminal must not interpret text from the network."""
    if isinstance(value, list):
        return f"a list of {len(value)}" if len(value) != 1 else _shown(value[0])
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
