"""The document: facts and figures put into the templates, compiled to PDF or HTML."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

import typst

from bench.evidence.report.chapter import Chapter
from bench.evidence.report.glyphs import FOLDER, printable

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
    return _compile(sources(facts, chapter.figures), form)


def _compile(files: dict[str, bytes], form: str) -> bytes:
    """The document; equal files give equal bytes."""
    compiler: Any = typst.compile  # its annotations lack sources from memory
    return bytes(compiler(files, format=form, ignore_system_fonts=True, font_paths=[str(FOLDER)]))
