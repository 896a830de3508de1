"""The HTML pages: complete beside one another, right on a phone, and their curves respond."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.report.made_results import SyntheticAblation, report, write

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FIRST = "document.getElementById('made-steps-curves')"

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on the path; set CHROMIUM"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    results = write(
        folder / "results",
        SyntheticAblation(seeds=3, variants=("a <!-- <script> </script> & <b>", "ε = 0.2")),
    )
    assert report(results, folder / "report.html") == 0
    return folder / "report.html"


@pytest.fixture(scope="module")
def whole_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    surrogates = ("importance_sampling", "clipped_ppo")
    results = write(
        folder / "results", SyntheticAblation(name="clipping", seeds=2, algorithms=surrogates)
    )
    assert report(results, folder / "report.html", "--all") == 0
    return folder / "report.html"


@pytest.fixture(scope="module")
def opened(path: Path) -> Iterator[tuple[Any, list[str]]]:
    """The page, and what went wrong or was asked of the network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        problems: list[str] = []
        page.on(
            "console",
            lambda message: problems.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:")) else problems.append(request.url)
            ),
        )
        page.goto(path.as_uri())
        page.wait_for_function(f"{FIRST}.data !== undefined")
        yield page, problems
        browser.close()


def test_equal_results_give_equal_bytes(path: Path) -> None:
    before = {file: file.read_bytes() for file in path.parent.glob("*.html")}
    assert report(path.parent / "results", path) == 0
    assert {file: file.read_bytes() for file in path.parent.glob("*.html")} == before


def test_pages_link_one_another_and_share_one_file(whole_report: Path) -> None:
    """A page a chapter, no script of our own, 3 MB at most."""
    pages = {file.name: file.read_text() for file in whole_report.parent.glob("*.html")}
    assert {"report.html", "report-clip.html", "report-code.html"} <= set(pages)
    assert (whole_report.parent / "plotly.min.js").is_file()
    for name, text in pages.items():
        assert len(text.encode()) < 3_000_000
        assert 'name="viewport"' in text
        links = set(re.findall(r'href="([^"#:]+)["#]', text)) | set(
            re.findall(r'src="([^":]+)"', text)
        )
        assert links <= {*pages, "plotly.min.js"}
        assert set(pages) <= links
        assert ('src="plotly.min.js"' in text) == ("Plotly.newPlot" in text)
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
        assert all(not script or "Plotly.newPlot" in script for script in scripts), name
    assert 'href="report-code.html#algorithms/ladder/clipped_ppo.py"' in pages["report-clip.html"]
    assert 'id="algorithms/ladder/clipped_ppo.py"' in pages["report-code.html"]
    assert "minimum" in pages["report-clip.html"]


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen(whole_report: Path, width: int) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 844})
        for file in whole_report.parent.glob("*.html"):
            page.goto(file.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, file.name
            right, left = page.evaluate(
                "[document.querySelector('nav').getBoundingClientRect().right,"
                " document.querySelector('main').getBoundingClientRect().left]"
            )
            assert (right < left) is (width > 960)
        browser.close()


@pytest.mark.browser
@needs_chromium
def test_it_opens_without_an_error_and_without_the_network(
    opened: tuple[Any, list[str]],
) -> None:
    page, problems = opened
    assert problems == []
    assert page.locator(".js-plotly-plot").count() == 1
    assert page.locator("math").count() > 1 and page.locator("munder.new").count() >= 1
    assert page.locator("figure img").evaluate_all(
        "images => images.length > 1 && images.every(each => each.naturalWidth > 0)"
    )
    assert page.locator("figcaption").count() > 3


@pytest.mark.browser
@needs_chromium
def test_hovering_tells_values(opened: tuple[Any, list[str]]) -> None:
    page, _ = opened
    panel = page.locator("#made-steps-curves .nsewdrag").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_selector("#made-steps-curves .hoverlayer text")
    hover_text = " ".join(page.locator("#made-steps-curves .hoverlayer text").all_text_contents())
    last = page.evaluate(
        f"{FIRST}._fullData.find(e => e.meta === 'centre' && e.name === 'ε = 0.2').y.at(-1)"
    )
    assert "ε = 0.2" in hover_text
    assert f"{last:,.4g}" in hover_text


@pytest.mark.browser
@needs_chromium
def test_a_click_on_the_legend_hides_a_variant(opened: tuple[Any, list[str]]) -> None:
    page, _ = opened
    visible = f"{FIRST}.data.filter(e => e.legendgroup === 'variant_1').map(e => e.visible)"
    page.locator("#made-steps-curves .legendtoggle").nth(1).click()
    page.wait_for_function(f"{visible}.some(each => each === 'legendonly')")
    page.wait_for_timeout(600)  # a second click at once would be a double click
    page.locator("#made-steps-curves .legendtoggle").nth(1).click()
    page.wait_for_function(f"{visible}.every(each => each !== 'legendonly')")


@pytest.mark.browser
@needs_chromium
def test_a_button_shows_the_seeds(opened: tuple[Any, list[str]]) -> None:
    page, _ = opened
    opacities = f"{FIRST}.data.filter(each => each.meta === 'seeds').map(each => each.opacity)"
    assert page.evaluate(opacities) == [0] * 4
    buttons = page.locator("#made-steps-curves .updatemenu-button")
    buttons.nth(0).click()
    page.wait_for_function(f"{opacities}.every(each => each > 0)")
    buttons.nth(1).click()
    page.wait_for_function(f"{opacities}.every(each => each === 0)")
