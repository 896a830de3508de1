"""The documents: facts and figures put into the templates, compiled to PDF or to HTML pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from itertools import repeat
from typing import Any, Final

import typst

from bench.evidence.glyphs import fonts, printable
from bench.evidence.report.processes import Mapped

SUPPLEMENT: Final = "-supplement"
"""Suffix that makes the report's name the name of its supplement."""

PLOTLY: Final = "plotly.min.js"
"""The file that the interactive curves of all pages share."""


def pdf(
    facts: dict[str, Any],
    figures: Mapping[str, bytes],
    stem: str,
    mapped: Mapped = map,
) -> dict[str, bytes]:
    """Make the report and its supplement, by the names of their files.

    Args:
        facts: for the templates.
        figures: file name -> SVG.
        stem: of the report's file name.
        mapped: `map`, or the same by several processes.
    """
    parts = {"main": "", "supplement": SUPPLEMENT} if facts["supplement"] else {"main": ""}
    shared = {**facts, "pages": [], "supplement_file": f"{stem}{SUPPLEMENT}.pdf"}
    documents = mapped(
        _compiled, [{**shared, "part": part} for part in parts], repeat(figures), repeat("pdf")
    )
    return dict(zip((f"{stem}{end}.pdf" for end in parts.values()), documents, strict=True))


def html(
    facts: dict[str, Any],
    figures: Mapping[str, bytes],
    plots: Mapping[str, str],
    titles: Mapping[str, str],
    stem: str,
    mapped: Mapped = map,
) -> dict[str, bytes]:
    """Make one page per chapter, and the file that they share, by the names of their files.

    Args:
        facts: for the templates.
        figures: file name -> SVG.
        plots: id of a place -> the interactive figure that stands there.
        titles: key of a page -> its title, in the order of the pages; the first is the front page.
        stem: of the front page's file name.
        mapped: `map`, or the same by several processes.
    """
    pages = [
        (key, title, f"{stem}-{key}.html" if place else f"{stem}.html")
        for place, (key, title) in enumerate(titles.items())
    ]
    shared = {**facts, "pages": pages, "plots": sorted(plots)}
    documents = mapped(
        _compiled, [{**shared, "part": key} for key in titles], repeat(figures), repeat("html")
    )
    files = {
        file: _dressed(page.decode(), plots).encode()
        for (_, _, file), page in zip(pages, documents, strict=True)
    }
    if plots:
        from plotly.offline import get_plotlyjs

        files[PLOTLY] = get_plotlyjs().encode()
    return files


def _dressed(page: str, plots: Mapping[str, str]) -> str:
    """The page with its style sheet, and with its interactive figures in their places."""
    style_sheet = resources.files("bench.evidence.report").joinpath("report.css").read_text("utf-8")
    scripts = ""
    for name, figure in plots.items():
        place = f'<div class="plot" id="{name}"></div>'
        if place in page:
            page = page.replace(place, f'<div class="plot" id="{name}">{figure}</div>')
            scripts = f'<script src="{PLOTLY}"></script>'
    # The new term of an objective has a brace under it, and is red as on paper.
    brace = '<munder accentunder="true">'
    page = page.replace(f"<munder>{brace}", f'<munder class="new">{brace}')
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head, body = page.split("</head>", 1)
    meta = "" if 'name="viewport"' in head else viewport
    return f"{head}{meta}<style>{style_sheet}</style>{scripts}</head>{body}"


def _compiled(facts: dict[str, Any], figures: Mapping[str, bytes], form: str) -> bytes:
    """The document; equal files give equal bytes."""
    templates = {
        file.name: file.read_bytes()
        for file in resources.files("bench.evidence.report").iterdir()
        if file.name.endswith(".typ")
    }
    text = json.dumps(printable(facts), ensure_ascii=False, sort_keys=True)
    compiler: Any = typst.compile  # its annotations lack sources from memory
    with fonts() as folder:
        # Tags for screen readers would double the size of a document of tables; the HTML pages
        # have them.
        options = {"font_paths": [str(folder)], "ignore_system_fonts": True, "pdf_tags": False}
        files = {**templates, **figures, "facts.json": text.encode()}
        return bytes(compiler(files, format=form, **options))
