"""``--quiet`` and ``--verbose``: less or more on standard error, the same on standard output."""

import click

QUIET = "orbiter.quiet"
VERBOSE = "orbiter.verbose"
"""Keys of ``Context.meta``, which a command shares with its group."""
LOGGERS = ("resolvers.process", "resolvers.net.http")
"""The loggers of the programs that run and of the requests that are made."""


def be_quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    """Remember ``--quiet``; return the value."""
    return _remember(ctx, QUIET, value)


def be_verbose(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    """Remember ``--verbose``, and show what the loggers log; return the value."""
    if _remember(ctx, VERBOSE, value) and not ctx.resilient_parsing:
        _start_logging()
    return value


def is_quiet() -> bool:
    """Return whether the running command shows no progress."""
    return _has(QUIET)


def is_verbose() -> bool:
    """Return whether the running command shows programs and requests."""
    return _has(VERBOSE)


def _remember(ctx: click.Context, key: str, value: bool) -> bool:
    if value:
        ctx.meta[key] = True
    if QUIET in ctx.meta and VERBOSE in ctx.meta:
        raise click.UsageError("--quiet and --verbose exclude each other")
    return value


def _has(key: str) -> bool:
    ctx = click.get_current_context(silent=True)
    return ctx is not None and key in ctx.meta


def _start_logging() -> None:
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.handlers = [handler]
        logger.propagate = False
