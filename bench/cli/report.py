"""`report`: results as a document, one ablation or all of them in the lecture's order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.interruption import interruptible
from bench.cli.options import NamedAblationOption, ResultsOption, named_once
from bench.cli.output import folder_for_files, write_bytes
from bench.errors import InputError, unknown
from bench.file_names import file_name
from bench.requests.other_code import of_other_code
from bench.requests.plan_request import stored_name
from bench.terminal.console import shown, wide_console

if TYPE_CHECKING:
    from bench.store import View

FORMATS = ("pdf", "html")


def report(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="An ablation's name, or the path of your own .py file.",
            show_default="all, in the lecture's order",
        ),
    ] = None,
    *,
    ablation: NamedAblationOption = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="The report's file, .pdf or .html; its supplement or further pages are written "
            "beside it.",
            show_default="reports/ABLATION.pdf (without NAME, report.pdf) in your results folder",
        ),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="Format: pdf or html.", show_default="pdf")
    ] = None,
) -> None:
    """Write a report of your results, or of the published ones if you have none."""
    form = _format(form, output)
    from bench.evidence.report.processes import mapping
    from bench.terminal.chapters import ChapterDisplay
    from bench.train.provenance import cores

    requested = named_once(name, ablation)
    name = None if requested is None else stored_name(requested)
    with mapping(1 if name else min(cores(), 16), "bench.evidence.report.building") as mapped:
        # The other processes import it meanwhile.
        from bench.evidence.report.building import Builder

        path = (
            output
            or folder_for_files(results) / "reports" / f"{file_name(name or 'report')}.{form}"
        )
        builder = Builder(results=results, remarks=_remarks, shown=shown)
        with interruptible("Interrupted. No report was written."):
            if name is None:
                with ChapterDisplay(wide_console()) as display:
                    document = builder.whole_document(form, path.stem, display, mapped)
            else:
                document = builder.chapter_document(name, form, path.stem)
    files = {path.with_name(file): content for file, content in document.files.items()}
    if path not in files:  # its ending is in capitals
        files[path] = files.pop(path.with_suffix(f".{form}"))
    for file, content in files.items():
        write_bytes(content, file, "the report")
    print(f"Report of {document.source}: {shown(path)}")
    supplements = [shown(file) for file in files if file != path]
    if form == "html":
        print(f"Beside it: {len(supplements)} files that it links or loads; keep them together")
    elif supplements:
        print(f"Its statistics, hyperparameters and run ids: {', '.join(supplements)}")
    for line in document.remarks:
        print(line)


def _format(form: str | None, output: Path | None) -> str:
    """Return the format by its name, else by the ending of the file."""
    if form is not None and form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if output is None:
        return form or "pdf"
    ending = output.suffix.lower().removeprefix(".")
    if ending not in FORMATS or (form is not None and form != ending):
        allowed = " or ".join(f".{option}" for option in ((form,) if form else FORMATS))
        raise InputError(
            f"cannot write a report as {str(output)!r}: its name must end in {allowed}"
        )
    return form or ending


def _remarks(view: View) -> tuple[str, ...]:
    return (*of_other_code(view.runs), *view.mixed, *view.problems)
