"""``orbiter verify-signature``: check the signed provenance of images in a registry."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orbiter.cli.errors import FINDINGS, guarded
from orbiter.cli.options import (
    format_option,
    read_derived_lock_set,
    release_option,
    stages_option,
)
from orbiter.cli.provenance import read_provenance
from orbiter.cli.sign import FILE
from resolvers.errors import ExpectedError

if TYPE_CHECKING:
    from orbiter.attest.verify import Verification


@click.command("verify-signature")
@release_option
@stages_option
@click.option("--key", type=FILE, help="The public ECDSA key (PEM).")
@click.option(
    "--allowed-signers", type=FILE, help="The names and public ssh keys, as ssh-keygen reads them."
)
@format_option
@guarded
def verify_signature(
    release: str | None,
    stages: tuple[str, ...],
    key: Path | None,
    allowed_signers: Path | None,
    output_format: str,
) -> None:
    """Verify the signed provenance of images.

    Checks the signature, that the registry has the image that was signed, and that the signed
    provenance is what the lock set says. The exit code is 1 if any of this fails.
    """
    from orbiter.attest.attached import read_signed_by_key, read_signed_by_ssh
    from orbiter.attest.keys import read_public_key
    from orbiter.attest.verify import verify
    from orbiter.docker.client import credentials
    from orbiter.oci.published import read_image

    if (key is None) == (allowed_signers is None):
        hint = "name them with --key or --allowed-signers"
        raise ExpectedError("verify-signature needs one file with public keys", hint)
    public_key = read_public_key(key) if key else None
    results = []
    for provenance in read_provenance(read_derived_lock_set(release), stages):
        published = read_image(provenance.reference, credentials)
        if public_key:
            signed = read_signed_by_key(published, public_key)
        else:
            assert allowed_signers
            signed = read_signed_by_ssh(published, allowed_signers)
        results.append(verify(provenance, published, signed))
        if output_format == "text":
            _print(results[-1])
    if output_format == "json":
        _print_json(results)
    if any(result.problem for result in results):
        sys.exit(FINDINGS)


def _print(result: "Verification") -> None:
    state = f"signed by {result.signer}" if result.signer else "verified"
    click.echo(f"{result.reference}  {result.digest}  {'FAILED' if result.problem else state}")
    if result.problem:
        click.echo(f"  {result.problem}")


def _print_json(results: "list[Verification]") -> None:
    from msgspec import convert

    from orbiter.cli.results import VerifiedImage, VerifySignatureResult, print_json

    images = convert(results, tuple[VerifiedImage, ...], from_attributes=True)
    print_json(VerifySignatureResult(images=images))
