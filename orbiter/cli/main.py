"""The command line: here, and in the modules ``cli_*``, results are printed and exit codes set."""

import click

from orbiter import __version__
from orbiter.cli.archive import archive_release
from orbiter.cli.build import build
from orbiter.cli.bump import bump
from orbiter.cli.clean import clean
from orbiter.cli.diff_locks import diff_locks
from orbiter.cli.exit import surely
from orbiter.cli.export import export
from orbiter.cli.fetch import fetch
from orbiter.cli.images import images
from orbiter.cli.import_ import import_file
from orbiter.cli.init import init
from orbiter.cli.lock import lock
from orbiter.cli.log import log
from orbiter.cli.push import push
from orbiter.cli.release import release
from orbiter.cli.run import run
from orbiter.cli.schema import schema
from orbiter.cli.shell import shell


def main() -> None:
    """Run the command line."""
    surely(lambda: cli(prog_name="orbiter"))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="orbiter")
def cli() -> None:
    """Lock, compare and build families of Docker images for notebooks and data science.

    images.toml says what is wanted, `orbiter lock` freezes it under locks/<release>/, and `orbiter build`
    builds from there and nowhere else.
    """


cli.add_command(build)
cli.add_command(init)
cli.add_command(lock)
cli.add_command(run)
cli.add_command(schema)
cli.add_command(bump)
cli.add_command(release)
cli.add_command(fetch)
cli.add_command(archive_release)
cli.add_command(import_file)
cli.add_command(export)
cli.add_command(images)
cli.add_command(shell)
cli.add_command(push)
cli.add_command(clean)
cli.add_command(diff_locks)
cli.add_command(log)
