"""The figure's texts, lines and places; never its pixels."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.errors import InputError
from bench.evidence.figures.kinds import picture
from bench.evidence.measures.curves import aggregate, seed_curves
from bench.evidence.measures.scores import score_runs
from tests.evidence.conftest import Build
from tests.evidence.drawn_texts import assert_readable, texts_drawn
from tests.evidence.made_view import QUESTION, results_of

SEVEN = [
    "HalfCheetah-v5",
    "Hopper-v5",
    "InvertedDoublePendulum-v5",
    "InvertedPendulum-v5",
    "Reacher-v5",
    "Swimmer-v5",
    "Walker2d-v5",
]


def draw(frames: tuple[pd.DataFrame, ...], **options: Any) -> Figure:
    return picture(results_of(*frames, control=options.pop("control", None)), **options).figure


def panels(figure: Figure) -> list[Axes]:
    return figure.axes[0::2]


def strips(figure: Figure) -> list[Axes]:
    return figure.axes[1::2]


def lines(axes: Axes) -> dict[str, Line2D]:
    all_lines = {str(line.get_gid()): line for line in axes.get_lines() if line.get_gid()}
    return {name: line for name, line in all_lines.items() if " " not in name}


def text_of(figure: Figure, gid: str) -> str:
    (match,) = (text for text in figure.texts if text.get_gid() == gid)
    return " ".join(match.get_text().split())


def test_lines_and_bands_are_the_aggregated_curves(learning: Build) -> None:
    frames = learning(["Hopper-v5", "Ant-v5"], ["control", "new"])
    figure = draw(frames, control="control")
    assert len(panels(figure)) == 2
    for panel, environment in zip(panels(figure), ["Hopper-v5", "Ant-v5"], strict=True):
        cells = [curve for curve in seed_curves(*frames) if curve.environment == environment]
        for cell, band_drawn in zip(cells, panel.collections, strict=True):
            band = aggregate(cell)
            line = lines(panel)[cell.variant]
            np.testing.assert_array_equal(line.get_xdata(), cell.grid)
            np.testing.assert_array_equal(line.get_ydata(), band.centre)
            outline = band_drawn.get_paths()[0].vertices
            assert outline[:, 1].min() == np.nanmin(band.low)
            assert outline[:, 1].max() == np.nanmax(band.high)
        assert panel.get_xlim() == (0, 100_000)


def test_the_strip_shows_every_seeds_score(learning: Build) -> None:
    frames = learning(["Hopper-v5"], ["control", "new"], seeds=7)
    (strip,) = strips(draw(frames))
    scores = score_runs(*frames)
    for variant in ("control", "new"):
        drawn_scores = np.concatenate(
            [
                np.asarray(line.get_ydata())
                for line in strip.get_lines()
                if line.get_gid() == f"{variant} scores"
            ]
        )
        expected = scores.loc[scores["variant"] == variant, "score"]
        np.testing.assert_allclose(np.sort(drawn_scores), np.sort(expected))


def test_a_score_far_outside_is_shown_at_the_edge(frames: Build) -> None:
    descriptions = [
        {"seed": seed, "episodes": [(step, 100.0 + seed) for step in range(50, 1001, 50)]}
        for seed in range(9)
    ]
    descriptions.append({"seed": 9, "episodes": [(50, 100.0), (1000, -1e6)]})
    figure = draw(frames(descriptions))
    panel, strip = figure.axes
    assert panel.get_ylim()[0] > 0
    markers = {
        line.get_marker(): np.asarray(line.get_ydata())
        for line in strip.get_lines()
        if line.get_gid() == "control scores"
    }
    assert len(markers["o"]) == 9 and len(markers["v"]) == 1 and len(markers["^"]) == 0
    assert panel.get_ylim()[0] < markers["v"][0] < panel.get_ylim()[1]
    assert "a triangle at the edge is a score outside of the panel" in text_of(figure, "caption")


def test_texts_say_what_is_drawn(learning: Build) -> None:
    figure = draw(learning(["Hopper-v5", "Ant-v5"], ["control", "new"]), control="control")
    assert text_of(figure, "title") == QUESTION
    left, right = panels(figure)
    assert [panel.get_title(loc="left") for panel in (left, right)] == [
        "Hopper-v5 (n = 10)",
        "Ant-v5 (n = 10)",
    ]
    assert left.get_xlabel() == right.get_xlabel() == "environment steps of a seed"
    assert left.get_ylabel() == "episode return [raw reward]" and right.get_ylabel() == ""
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "the control (control)",
        "the new",
    ]
    FigureCanvasAgg(figure).draw()
    ticks = [label.get_text() for label in left.get_xticklabels()]
    assert ticks[0] == "0" and ticks[-1] == "100k"


def test_caption_tells_all_that_a_reader_must_know(learning: Build) -> None:
    caption = text_of(draw(learning(["Hopper-v5", "Ant-v5"], ["control", "new"])), "caption")
    for part in (
        "interquartile mean (the mean of the middle half of the seeds) over seeds (n = 10)",
        "95% percentile-bootstrap interval over seeds (10,000 resamples)",
        "coverage, for normal data, is 93% at n = 10",
        "Environments: Hopper-v5, Ant-v5 (100k steps per seed).",
        "Results: results/local.",
        "Made with python 3.11.7, torch 2.13.0, mujoco 4.0.0.",
    ):
        assert part in caption
    for trouble in ("Diverged", "Failed", "Mixed", "left out", "triangle"):
        assert trouble not in caption


def test_updates_place_episodes_at_the_end_of_their_batch(learning: Build, updates: Any) -> None:
    runs, episodes = learning(["Hopper-v5"], ["control"], seeds=4)
    batches = updates(runs, dict.fromkeys(runs["run"], range(10_000, 100_001, 10_000)))
    figure = draw((runs, episodes, batches))
    line = lines(panels(figure)[0])["control"]
    (cell,) = seed_curves(runs, episodes, batches)
    np.testing.assert_array_equal(line.get_ydata(), aggregate(cell).centre)
    (unaligned,) = seed_curves(runs, episodes)
    assert len(line.get_xdata()) == 10 < len(unaligned.grid)  # a point a batch, not an episode
    caption = text_of(figure, "caption")
    assert "points of a fixed grid, each at the end of its batch. Band" in caption
    assert "batch" not in text_of(draw((runs, episodes)), "caption")


def test_caption_of_few_seeds_calls_a_mean_a_mean(learning: Build) -> None:
    caption = text_of(draw(learning(["Hopper-v5"], ["control"], seeds=3)), "caption")
    assert "Line: mean over seeds (n = 3)" in caption and "74% at n = 3" in caption
    mean_caption = text_of(draw(learning(["Hopper-v5"], ["control"]), statistic="mean"), "caption")
    assert "Line: mean over seeds (n = 10)" in mean_caption and "is 90% at n = 10" in mean_caption


def test_caption_and_title_of_unequal_numbers_of_seeds(learning: Build) -> None:
    runs, episodes = learning(["Hopper-v5"], ["control", "new"])
    few_runs = runs[(runs["variant"] == "control") | (runs["seed"] < 3)]
    figure = draw((few_runs, episodes))
    assert panels(figure)[0].get_title(loc="left") == "Hopper-v5 (n = 3 to 10)"
    assert "; below 4 seeds the mean)" in text_of(figure, "caption")
    assert "74% at n = 3, 93% at n = 10" in text_of(figure, "caption")


def test_trouble_is_named(frames: Build) -> None:
    episodes = [(step, 10.0) for step in range(100, 1001, 100)]
    descriptions: list[dict[str, Any]] = [
        {"variant": "new", "seed": seed, "episodes": episodes} for seed in range(4)
    ]
    descriptions[1] |= {"status": "diverged", "diverged_at": 450}
    descriptions[2] |= {"digest": "fedcba9876543210"}
    descriptions[3] |= {"versions": '{"torch": "2.11.0"}', "episodes": [*episodes, (999, np.nan)]}
    descriptions.append({"variant": "new", "seed": 4, "episodes": episodes, "status": "failed"})
    descriptions.append({"variant": "new", "seed": 5, "episodes": []})
    descriptions.append({"variant": "old", "digest": "00", "seed": 5, "episodes": episodes})
    descriptions.append({**descriptions[-1], "seed": 6, "digest": "11", "back_end": "gymnasium"})
    figure = draw(frames(descriptions))
    caption = text_of(figure, "caption")
    for part in (
        "Diverged seeds (marked × where they did, counted with their last value): "
        "the new on Hopper-v5: 1.",
        "Failed runs (not drawn): the new on Hopper-v5: 1.",
        "Seeds in which no episode ended (not drawn): the new on Hopper-v5: 1.",
        "return is not finite: 1.",
        "Mixed code: runs of more than one version (digest) of new (01234567, fedcba98).",
        "torch 2.13.0 / 2.11.0",
    ):
        assert part in caption
    assert "old (" not in caption
    crosses = [line for line in panels(figure)[0].get_lines() if line.get_marker() == "x"]
    assert [line.get_xdata()[0] for line in crosses] == [450]


def test_seconds_on_the_axis(learning: Build) -> None:
    figure = draw(learning(["Hopper-v5"], ["control"], seconds=250.0), x="seconds")
    (panel,) = panels(figure)
    assert panel.get_xlabel() == "wall time of training [s]"
    assert panel.get_xlim() == (0, 250)
    assert "wall time since training began" in text_of(figure, "caption")


def test_variants_differ_in_colour_dashes_and_marker(learning: Build) -> None:
    variants = [f"v{place}" for place in range(8)]
    (panel,) = panels(draw(learning(["Hopper-v5"], variants, seeds=2), control="v2"))
    drawn = lines(panel)
    assert list(drawn) == variants
    looks = {
        name: (line.get_color(), line.get_marker(), str(line._unscaled_dash_pattern))
        for name, line in drawn.items()
    }
    for part in range(2):
        assert len({look[part] for look in looks.values()}) == len(variants)
    assert [name for name, look in looks.items() if "None" in look[2]] == ["v2"]


def test_one_seed_has_no_band_and_says_so(learning: Build) -> None:
    figure = draw(learning(["Hopper-v5"], ["control"], seeds=1))
    (panel,) = panels(figure)
    assert np.isfinite(np.asarray(lines(panel)["control"].get_ydata())).any()
    assert not any(len(path.vertices) for band in panel.collections for path in band.get_paths())
    assert "One seed: no interval can be given." in text_of(figure, "caption")
    assert "Band" not in text_of(figure, "caption")


LONG = "An importance-sampled surrogate with a whole-trajectory ratio, clipped nowhere, " * 2


@pytest.mark.parametrize(
    ("environments", "variants", "width"),
    [
        (["Hopper-v5"], ["control"], None),
        (["Hopper-v5"], ["control", LONG, "_hidden", "$x_1$"], None),
        (["InvertedDoublePendulum-v5", "Ant-v5"], [f"variant number {n}" for n in range(8)], None),
        (SEVEN[:5], [f"variant number {n}" for n in range(20)], None),
        (SEVEN, ["A2C", "A2C + Trust Region", "CEM", "PPO (Clip)", "Vanilla PG", "TRPO"], None),
        ([*SEVEN, "Ant-v5", "Humanoid-v5", "Pusher-v5"], ["a", "b"], None),
        (["Longest" * 40, *SEVEN[:4]], ["a", "b"], None),
        (["Hopper-v5"], ["control", LONG, "_hidden", "$x_1$"], "column"),
        (SEVEN[:5], [f"variant number {n}" for n in range(20)], "column"),
        (SEVEN, ["A2C", "A2C + Trust Region", "CEM", "PPO (Clip)", "Vanilla PG", "TRPO"], "column"),
        (["Longest" * 40, *SEVEN[:4]], ["a", "b"], "page"),
    ],
    ids=lambda value: f"{len(value)} of {value[0][:9]}" if isinstance(value, list) else value or "",
)
def test_no_text_is_cut_and_none_lies_on_another(
    learning: Build, environments: list[str], variants: list[str], width: str | None
) -> None:
    frames = learning(environments, variants, seeds=2, episodes=30, budget=300_000)
    figure = draw(frames, control=variants[0], width=width)
    assert_readable(figure, more_than=6 * len(environments))
    if width is not None:
        assert figure.get_figwidth() == {"column": 3.3, "page": 7.0}[width]
    for panel, name in zip(panels(figure), environments, strict=True):
        title = "".join(panel.get_title(loc="left").split())
        assert title == f"{name}(n=2)"
    legend_texts = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
    expected = [" ".join(f"the {name}".split()) for name in variants]
    expected[0] += " (control)"
    assert [" ".join(text.split()) for text in legend_texts] == expected


def test_a_word_wider_than_the_figure_is_broken_and_a_glyph_that_is_missing_is_named(
    learning: Build,
) -> None:
    frames = learning(["重み-v0"], ["control", "w" * 120], seeds=2)
    # A glyph that the font lacks is a warning, which fails a test.
    question = "Größe " + "long" * 60 + " 🚀"
    figure = picture(results_of(*frames, source="results/重", question=question)).figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    for text in texts_drawn(figure):
        box = text.get_window_extent(canvas.get_renderer())
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text
    last = figure.legends[0].get_texts()[-1].get_text()
    assert last.replace("\n", "").replace(" ", "") == "the" + "w" * 120
    assert text_of(figure, "title").replace(" ", "") == "Größe" + "long" * 60 + "U+1F680"
    assert "U+91CD" in text_of(figure, "caption")
    assert panels(figure)[0].get_title("left").startswith("U+91CDU+307F-v0")


def test_nothing_global_changes(learning: Build) -> None:
    before = dict(matplotlib.rcParams)
    draw(learning(["Hopper-v5"], ["control"], seeds=2))
    assert dict(matplotlib.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_bad_input_is_refused(learning: Build) -> None:
    frames = learning(["Hopper-v5"], ["control"], seeds=2)
    for options, message in (
        ({"x": "second"}, "'second'.*'seconds'"),
        ({"statistic": "median"}, "'median'.*Allowed: iqm, mean"),
        ({"variants": ["contrl"]}, "'contrl'.*'control'"),
        ({"environments": ["Hoper-v5"]}, "'Hoper-v5'.*'Hopper-v5'"),
        ({"width": "clumn"}, "'clumn' is neither column nor page nor a number"),
        ({"width": 0.5}, "a width of 0.5 inches is not from 2 to 40"),
        ({"font_size": float("nan")}, "font size of nan points"),
        ({"columns": ["kl_mean"]}, "kind curves has no option columns"),
        ({"kind": "bars"}, "'bars'.*Allowed: curves"),
    ):
        with pytest.raises(InputError, match=message):
            draw(frames, **options)
    runs, episodes = frames
    with pytest.raises(InputError, match="no episode ended"):
        draw((runs, episodes.iloc[:0]))
    with pytest.raises(InputError, match="no episode ended"):
        draw((runs.assign(status="failed"), episodes))
    results = results_of(runs, episodes)
    with pytest.raises(InputError, match="no runs"):
        picture(replace(results, view=replace(results.view, runs=runs.iloc[:0])))
