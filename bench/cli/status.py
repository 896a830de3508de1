"""`status`: what trains, how far it is, and what it earned last."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.json_output import JsonOption, answering
from bench.cli.options import ResultsOption
from bench.errors import InputError
from bench.terminal.console import shown

if TYPE_CHECKING:
    from bench.train.standing import Standing

AGAIN_AFTER = 2.0


def status(
    results: ResultsOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep refreshing until training ends, or until Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the training in progress in a results folder, whichever process or machine runs it."""
    from rich.console import Console
    from rich.live import Live

    from bench.store import result_folders
    from bench.store.claims import Claims
    from bench.train.standing import standings

    if watch and as_json:
        raise InputError("--watch shows again and again, --json answers once: choose one")
    folder = result_folders(results)[0]
    claims = Claims(folder)

    def text(snapshot: list[Standing]) -> str:
        return "\n".join(_lines(snapshot)) or f"Nothing trains into {shown(folder)}."

    active = list(standings(claims))
    if as_json:
        with answering(as_json) as answer:
            answer["training"] = [asdict(standing) for standing in active]
        return
    console = Console(highlight=False, markup=False)
    with (
        Live(console=console, auto_refresh=False) if console.is_terminal else nullcontext() as live
    ):
        while watch and active:
            if live is None:
                print(text(active), flush=True)
            else:
                live.update(text(active), refresh=True)
            time.sleep(AGAIN_AFTER if live else 5 * AGAIN_AFTER)
            active = list(standings(claims))
    print(text(active))


def _lines(standings: Sequence[Standing]) -> Iterator[str]:
    from bench.terminal.progress import lines

    for standing in standings:
        first, *groups = lines(standing)
        yield f"{standing.ablation}: {first}"
        yield from groups
