"""The command group; each command is a module of its own beside this one."""

from collections.abc import Mapping
from itertools import chain

import click

from orbiter import __version__
from orbiter.cli.add import add
from orbiter.cli.archive import archive_release
from orbiter.cli.attest import attest
from orbiter.cli.audit import audit
from orbiter.cli.binder import binder
from orbiter.cli.build import build
from orbiter.cli.bump import bump
from orbiter.cli.ci import ci
from orbiter.cli.clean import clean
from orbiter.cli.diff_locks import diff_locks
from orbiter.cli.doctor import doctor
from orbiter.cli.exit import run_and_exit
from orbiter.cli.export import export
from orbiter.cli.fetch import fetch
from orbiter.cli.global_options import add_global_options, group_options
from orbiter.cli.help import help_
from orbiter.cli.images import images
from orbiter.cli.import_ import import_file
from orbiter.cli.init import init
from orbiter.cli.licences import licences
from orbiter.cli.lint import lint
from orbiter.cli.list import list_packages
from orbiter.cli.lock import lock
from orbiter.cli.log import log
from orbiter.cli.man import man
from orbiter.cli.osv import osv
from orbiter.cli.outdated import outdated
from orbiter.cli.push import push
from orbiter.cli.r2d import r2d
from orbiter.cli.readme import readme
from orbiter.cli.release import release
from orbiter.cli.remove import remove
from orbiter.cli.report import report
from orbiter.cli.run import run
from orbiter.cli.sbom import sbom
from orbiter.cli.schema import schema
from orbiter.cli.shell import shell
from orbiter.cli.sign import sign
from orbiter.cli.status import status
from orbiter.cli.test import test
from orbiter.cli.tree import tree
from orbiter.cli.update import update
from orbiter.cli.usage import CommandGroup
from orbiter.cli.verify_signature import verify_signature
from orbiter.cli.why import why

SECTIONS: Mapping[str, tuple[click.Command, ...]] = {
    "Describe and lock": (init, import_file, add, remove, update, lock, bump),
    "Build and publish": (build, test, run, r2d, shell, release, push, readme, binder, export, ci),
    "Ask and compare": (status, list_packages, tree, why, outdated, diff_locks, log, report),
    "Check and prove": (lint, licences, audit, osv, sbom, attest, sign, verify_signature),
    "Keep files and clean up": (images, fetch, archive_release, clean),
    "Help": (help_, doctor, man, schema),
}
"""The commands in the order in which help lists them."""
COMMANDS: tuple[click.Command, ...] = tuple(chain.from_iterable(SECTIONS.values()))


def main() -> None:
    """Run the command line."""
    run_and_exit(lambda: cli(prog_name="orbiter"))


@click.group(
    cls=CommandGroup,
    params=group_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="orbiter")
def cli() -> None:
    """Lock, compare and build families of Docker images for notebooks and data science.

    images.toml describes the images, `orbiter lock` resolves it into locks/<release>/, and
    `orbiter build` builds the images from that folder alone. Without images.toml in the current
    folder, orbiter works in the nearest parent folder that has one.

    -C, -q and -v may also follow the command.
    """


for title, commands in SECTIONS.items():
    for command in commands:
        add_global_options(command)
        cli.add_to_section(title, command)
