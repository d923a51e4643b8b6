"""``orbiter sign``: attach the signed provenance of images in a registry."""

from pathlib import Path

import click

from orbiter.cli.directory import UserPath
from orbiter.cli.errors import guarded
from orbiter.cli.options import format_option, read_derived_lock_set, release_option, stages_option
from orbiter.cli.provenance import read_provenance, warn_incomplete
from orbiter.cli.terminal import print_row
from resolvers.errors import ExpectedError

FILE = UserPath(exists=True, dir_okay=False)


@click.command()
@release_option
@stages_option
@click.option("--key", type=FILE, help="Sign with this ECDSA key (PEM).")
@click.option(
    "--ssh-key", type=FILE, help="Sign with this ssh key; a public key uses that of ssh-agent."
)
@format_option
@guarded
def sign(
    release: str | None,
    stages: tuple[str, ...],
    key: Path | None,
    ssh_key: Path | None,
    output_format: str,
) -> None:
    """Sign the provenance of pushed images.

    Attaches it to each image in its registry. cosign verifies signatures of ECDSA keys. The
    variable ORBITER_KEY_PASSPHRASE has the passphrase of an encrypted key.
    """
    from orbiter.attest.attached import sign_with_key, sign_with_ssh
    from orbiter.attest.keys import read_private_key
    from orbiter.docker.client import credentials
    from orbiter.oci.published import read_image

    if (key is None) == (ssh_key is None):
        raise ExpectedError("sign needs one key", "name it with --key or --ssh-key")
    private_key = read_private_key(key) if key else None
    provenances = read_provenance(read_derived_lock_set(release), stages)
    signed = []
    for provenance in provenances:
        published = read_image(provenance.reference, credentials)
        if private_key:
            is_new = sign_with_key(provenance, published, private_key)
        else:
            assert ssh_key
            is_new = sign_with_ssh(provenance, published, ssh_key)
        signed.append((provenance.reference, published.digest, is_new))
        if output_format == "text":
            state = "signed" if is_new else "already signed"
            print_row(provenance.reference, published.digest, state)
    if output_format == "json":
        _print_json(signed)
    warn_incomplete(provenances)


def _print_json(signed: list[tuple[str, str, bool]]) -> None:
    from orbiter.cli.results import SignedImage, SignResult, print_json

    images = tuple(
        SignedImage(reference=reference, digest=digest, is_new=is_new)
        for reference, digest, is_new in signed
    )
    print_json(SignResult(images=images))
