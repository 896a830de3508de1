"""All verbs together, and the handling of errors: one clear line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.cli import (
    claims,
    compare,
    doctor,
    evaluate,
    export,
    figure,
    import_,
    listing,
    merge,
    publish,
    report,
    run,
    show,
    status,
    throughput,
    tune,
    verify,
    watch,
)
from bench.cli.json_output import Silence
from bench.cli.process import INTERRUPTED
from bench.errors import InputError, unknown

PROGRAM: Final = "ppo-ladder"
"""The console command; `python -m bench` is the same."""

app = typer.Typer(no_args_is_help=True)
VERBS: dict[str, Callable[..., None]] = {
    "list": listing.list_ablations,
    "show": show.show,
    "run": run.run,
    "status": status.status,
    "figure": figure.figure,
    "report": report.report,
    "compare": compare.compare,
    "claims": claims.claims,
    "tune": tune.tune,
    "evaluate": evaluate.evaluate,
    "watch": watch.watch,
    "export": export.export,
    "import": import_.import_,
    "merge": merge.merge,
    "publish": publish.publish,
    "verify": verify.verify,
    "throughput": throughput.throughput,
    "doctor": doctor.doctor,
}
for name, verb in VERBS.items():
    app.command(name)(verb)


def _print_version(requested: bool) -> None:
    if requested:
        print(PROGRAM, metadata.version(PROGRAM))
        raise typer.Exit


@app.callback()
def about(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors; the exit code says the rest.")
    ] = False,
) -> None:
    """From the policy gradient to PPO: what does each ingredient buy?"""
    if quiet:
        context.with_resource(redirect_stdout(Silence(sys.stdout)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 if something failed; 2 for bad input, which is reported in one line; 130 and 143 after
        an interruption.
    """
    argv = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if argv and not argv[0].startswith("-") and argv[0] not in VERBS:
            raise unknown("command", argv[0], VERBS)
        program = PROGRAM if Path(sys.argv[0]).stem == PROGRAM else "python -m bench"
        if argv and argv[0].endswith("-completion") and program != PROGRAM:
            # A shell completes by the command's first word, which would be every `python`.
            raise InputError(f"completion is for the console command: {PROGRAM} {argv[0]}")
        return _command()(argv, prog_name=program, standalone_mode=False) or 0
    except InputError as error:
        return _refuse(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        # Typer's errors of usage have no public base class that all its versions share.
        if not hasattr(error, "format_message"):
            raise
        return _refuse(error.format_message()) if str(error) else 2


@cache
def _command() -> Callable[..., int | None]:
    # Typer would read all verbs' signatures again in every call of `main`.
    return typer.main.get_command(app)


def _refuse(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return 2
