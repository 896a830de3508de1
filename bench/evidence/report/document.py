"""The document: facts and figures put into the templates, compiled to PDF or HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import typst

from bench.evidence.glyphs import fonts, printable
from bench.evidence.report.chapter import Chapter

FORMATS: Final = ("pdf", "html")
"""What a report can be written as."""


def sources(facts: dict[str, Any], figures: dict[str, bytes]) -> dict[str, bytes]:
    """Every file of the document, `main.typ` among them."""
    templates = {
        file.name: file.read_bytes()
        for file in resources.files("bench.evidence.report").iterdir()
        if file.name.endswith(".typ")
    }
    text = json.dumps(printable(facts), ensure_ascii=False, sort_keys=True)
    return {**templates, **figures, "facts.json": text.encode()}


def one(chapter: Chapter, form: str) -> bytes:
    """One ablation's report.

    Args:
        chapter: the ablation.
        form: one of `FORMATS`.
    """
    facts = {"whole": False, "chapters": {chapter.facts["name"]: chapter.facts}}
    return _made(sources(facts, chapter.figures), form, chapter.plots)


def whole(
    chapters: Mapping[str, Chapter], facts: dict[str, Any], figures: dict[str, bytes], form: str
) -> bytes:
    """The whole document, in the lecture's order.

    Args:
        chapters: by ablation.
        facts: of the lecture's own pictures.
        figures: theirs.
        form: one of `FORMATS`.
    """
    told = {name: chapter.facts for name, chapter in chapters.items()}
    drawn = {name: each for chapter in chapters.values() for name, each in chapter.figures.items()}
    plots = {name: each for chapter in chapters.values() for name, each in chapter.plots.items()}
    files = sources({"whole": True, "chapters": told, "lecture": facts}, {**drawn, **figures})
    return _made(files, form, plots)


def _made(files: dict[str, bytes], form: str, plots: Mapping[str, str]) -> bytes:
    content = _compile(files, form)
    return _interactive(content.decode(), plots).encode() if form == "html" else content


def _interactive(page: str, plots: Mapping[str, str]) -> str:
    """The page with its looks and its curves in it: nothing is fetched from elsewhere."""
    from plotly.offline import get_plotlyjs

    looks = resources.files("bench.evidence.report").joinpath("report.css").read_text("utf-8")
    for name, figure in plots.items():
        place = f'<div class="plot" id="{name}">'
        page = page.replace(place, f"{place}{figure}", 1)
    return page.replace(
        "</head>", f"<style>{looks}</style><script>{get_plotlyjs()}</script></head>", 1
    )


def _compile(files: dict[str, bytes], form: str) -> bytes:
    """The document; equal files give equal bytes."""
    compiler: Any = typst.compile  # its annotations lack sources from memory
    with fonts() as folder:
        # Tags for screen readers would double the size of a document of tables; the HTML page has
        # them.
        options = {"font_paths": [str(folder)], "ignore_system_fonts": True, "pdf_tags": False}
        return bytes(compiler(files, format=form, **options))
