"""The interactive curves: plain HTML that holds what the figure shows, and stays small."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np

from bench.evidence.figures.interactive import curves
from tests.evidence.conftest import Build
from tests.evidence.made_view import results_of


def traces_of(html: str) -> list[dict[str, Any]]:
    call = html[html.index("Plotly.newPlot(") :]
    traces, _ = json.JSONDecoder().raw_decode(call, call.index("[{"))
    return list(traces)


def numbers(packed: dict[str, str]) -> np.ndarray:
    assert packed["dtype"] == "f4"
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=np.float32)


def test_lines_bands_and_seeds_are_those_of_the_results(learning: Build) -> None:
    results = results_of(*learning(["Hopper-v5", "Ant-v5"], ["control", "new"], seeds=3))
    traces = traces_of(curves(results))
    centres = [trace for trace in traces if trace.get("meta") == "centre"]
    assert [trace["name"] for trace in centres] == ["the control (control)", "the new"] * 2
    assert [trace["visible"] for trace in centres] == [True, True, False, False]
    bands = {(c.environment, c.variant): (c, band) for c, band in results.bands()}
    for trace, key in zip(centres, bands, strict=True):
        cell, band = bands[key]
        np.testing.assert_allclose(numbers(trace["x"]), cell.grid, rtol=1e-6)
        np.testing.assert_allclose(numbers(trace["y"]), band.centre, rtol=1e-6)
    seeds = [trace for trace in traces if trace.get("meta") == "seeds"]
    assert len(seeds) == 4 and {trace["opacity"] for trace in seeds} == {0}
    lines = numbers(seeds[0]["y"])
    cell, _ = bands["Hopper-v5", "control"]
    stride = -(-len(cell.grid) // 50)
    first = lines[: list(np.isnan(lines)).index(True, 5)]
    np.testing.assert_allclose(first, cell.values[0, ::stride], rtol=1e-6)
    assert np.isnan(lines).sum() >= 3  # a gap behind each seed's line


def test_a_menu_shows_one_environment_at_a_time(learning: Build) -> None:
    html = curves(results_of(*learning(["Hopper-v5", "Ant-v5"], ["a"], seeds=2)))
    assert '"label":"Hopper-v5","method":"restyle"' in html.replace('", "', '","')
    visible = re.findall(r'"visible":\[([a-z, ]+)\]', html)
    assert [flags.replace(" ", "") for flags in visible] == [
        "true,true,true,true,false,false,false,false",
        "false,false,false,false,true,true,true,true",
    ]
    single = curves(results_of(*learning(["Hopper-v5"], ["a"], seeds=2)))
    assert not re.findall(r'"visible":\[', single)


def test_it_is_small_the_same_each_time_and_loads_nothing(learning: Build) -> None:
    frames = learning([f"World{n}-v0" for n in range(7)], [f"v{n}" for n in range(6)], seeds=10)
    html = curves(results_of(*frames))
    assert len(html) < 500_000
    assert html == curves(results_of(*frames))
    assert "src=" not in html and "plotly.js v" not in html
    assert 'id="made-steps-curves"' in html


def test_names_are_text(learning: Build) -> None:
    runs, episodes = learning(["Hopper-v5"], ["a"], seeds=2)
    html = curves(results_of(runs.assign(variant_title="</script><b>x & y"), episodes))
    assert html.count("</script>") == 1
    (name,) = (trace["name"] for trace in traces_of(html) if trace.get("meta") == "centre")
    assert name == "&lt;/script>&lt;b>x &amp; y (control)"
