"""Pages that a command writes say what the published results say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.app import main
from bench.store import PUBLISHED

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("verb", "page"), [("compare", "results.md"), ("claims", "claims.md")])
def test_the_page_is_what_its_command_writes(verb: str, page: str, tmp_path: Path) -> None:
    written = tmp_path / page
    assert main([verb, "--results", str(PUBLISHED), "--output", str(written)]) == 0
    assert (DOCS / page).read_text() == written.read_text()
