"""Figure 3 and every seed's curve: texts, lines, marks and places; never pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.errors import InputError
from bench.evidence.figures.kinds import Picture, picture
from bench.evidence.figures.output import save
from bench.evidence.measures.curves import aggregate, seed_curves
from bench.evidence.published import figure_3
from bench.evidence.results import Results
from bench.store import View, load
from tests.evidence.drawn_texts import assert_readable
from tests.experiment_results import REACHED, VARIANTS, SyntheticRuns, score, write

ENVIRONMENTS = list(REACHED)
TITLES = ["A2C", "A2C + Trust Region", "CEM", "PPO (Clip)", "Vanilla PG, Adaptive", "TRPO"]
MISSING = [
    *(("Walker2d-v5", variant) for variant in VARIANTS),
    ("Hopper-v5", "cem"),
    ("Hopper-v5", "trpo"),
]
SEEDS = {("HalfCheetah-v5", "a2c"): 1, ("Swimmer-v5", "trpo"): 3}


@pytest.fixture(scope="module")
def whole_view(tmp_path_factory: pytest.TempPathFactory) -> View:
    recipe = SyntheticRuns(seeds=2, episodes=20)
    return load("experiment", write(tmp_path_factory.mktemp("whole"), "experiment", recipe))


@pytest.fixture(scope="module")
def partial_view(tmp_path_factory: pytest.TempPathFactory) -> View:
    """Without an environment and two more cells; numbers of seeds differ."""
    seeds = {**{(e, v): 2 for e in ENVIRONMENTS for v in VARIANTS}, **SEEDS}
    recipe = SyntheticRuns(seeds=seeds, missing=MISSING, episodes=20)
    return load("experiment", write(tmp_path_factory.mktemp("partial"), "experiment", recipe))


def draw(view: View, kind: str | None = None, **options: Any) -> Picture:
    frames = {name: options.pop(name) for name in ("plan", "runs", "episodes") if name in options}
    results = Results(view=replace(view, **frames), source="results/local")
    return picture(results, kind, **options)


@pytest.fixture(scope="module")
def curves(whole_view: View) -> Picture:
    return draw(whole_view)


@pytest.fixture(scope="module")
def seeds(whole_view: View) -> Picture:
    return draw(whole_view, "seeds", statistic="mean")


@pytest.fixture(scope="module")
def partial_curves(partial_view: View) -> Picture:
    return draw(partial_view)


@pytest.fixture(scope="module")
def partial_seeds(partial_view: View) -> Picture:
    return draw(partial_view, "seeds", statistic="mean")


def panels(figure: Figure) -> list[Axes]:
    return figure.axes[0::2]


def strips(figure: Figure) -> list[Axes]:
    return figure.axes[1::2]


def marked(axes: Axes, ending: str) -> dict[str, Line2D]:
    """Lines by variant, of which the gid ends in `ending`."""
    return {
        str(line.get_gid()).removesuffix(ending).strip(): line
        for line in axes.get_lines()
        if str(line.get_gid()).endswith(ending) and line.get_gid()
    }


def text_of(figure: Figure, gid: str) -> str:
    (match,) = (text for text in figure.texts if text.get_gid() == gid)
    return " ".join(match.get_text().split())


def test_seven_panels_stand_as_in_the_paper(curves: Picture) -> None:
    figure = curves.figure
    titles = [panel.get_title(loc="left").split()[0] for panel in panels(figure)]
    assert titles == ENVIRONMENTS
    bottoms = [round(panel.get_position().y0, 6) for panel in panels(figure)]
    assert (
        len(set(bottoms)) == 2
        and bottoms[:4] == [max(bottoms)] * 4
        and bottoms[4:] == [min(bottoms)] * 3
    )
    lefts = [panel.get_position().x0 for panel in panels(figure)]
    assert lefts[:4] == sorted(lefts[:4]) and lefts[4:] == lefts[:3]
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [*TITLES, "PPO paper, digitised"]
    assert text_of(figure, "title").startswith("How does clipped PPO compare with its rivals")
    for panel in panels(figure):
        assert panel.get_xlim() == (0, 1_000_000)


def test_lines_and_bands_are_the_mean_over_seeds(whole_view: View, curves: Picture) -> None:
    cells = seed_curves(whole_view.runs, whole_view.episodes, whole_view.updates)
    assert len(cells) == 42
    for cell in cells:
        panel = panels(curves.figure)[ENVIRONMENTS.index(cell.environment)]
        band, line = aggregate(cell, "mean"), marked(panel, cell.variant)[""]
        np.testing.assert_array_equal(line.get_xdata(), cell.grid)
        np.testing.assert_array_equal(line.get_ydata(), band.centre)
        outline = panel.collections[VARIANTS.index(cell.variant)].get_paths()[0].vertices
        assert outline[:, 1].max() == np.nanmax(band.high)


def test_the_originals_stand_in_the_strip_open_and_in_their_colours(curves: Picture) -> None:
    for environment, panel, strip in zip(
        ENVIRONMENTS, panels(curves.figure), strips(curves.figure), strict=True
    ):
        expected = figure_3.last_10_percent(environment)
        originals = marked(strip, " original")
        assert {name: line.get_ydata()[0] for name, line in originals.items()} == expected
        lines = {str(line.get_gid()): line for line in panel.get_lines()}
        for variant, mark in originals.items():
            assert mark.get_color() == lines[variant].get_color()
            assert mark.get_marker() == lines[variant].get_marker()
            assert mark.get_markerfacecolor() == "none"
            assert mark.get_xdata()[0] == VARIANTS.index(variant)
    marks = marked(strips(curves.figure)[2], " original")
    assert "adaptive_policy_gradient" not in marks and len(marks) == 5


def test_the_strip_holds_the_score_of_every_algorithm(curves: Picture) -> None:
    for environment, strip in zip(ENVIRONMENTS, strips(curves.figure), strict=True):
        bars = marked(strip, " score")
        assert list(bars) == list(VARIANTS)
        for variant, bar in bars.items():
            mean = np.mean([score(environment, variant, seed) for seed in range(2)])
            assert bar.get_ydata()[0] == pytest.approx(mean, rel=1e-4)


def test_everything_lies_inside_and_the_paper_s_axis_too(curves: Picture) -> None:
    for environment, panel, strip in zip(
        ENVIRONMENTS, panels(curves.figure), strips(curves.figure), strict=True
    ):
        low, high = panel.get_ylim()
        assert strip.get_ylim() == (low, high)
        assert low < figure_3.AXES[environment.removesuffix("-v5")][0]
        assert high > figure_3.AXES[environment.removesuffix("-v5")][1]
        for line in (*panel.get_lines(), *strip.get_lines()):
            values = np.asarray(line.get_ydata(), dtype=float)
            assert np.all((values >= low) & (values <= high) | np.isnan(values))


def test_the_caption_tells_what_a_reader_must_know(curves: Picture) -> None:
    caption = text_of(curves.figure, "caption")
    for part in (
        "Line: mean over seeds (n = 2) of the return of training episodes",
        "each at the end of its batch",
        "pointwise 95% percentile-bootstrap interval over seeds",
        "coverage, for normal data, is 50% at n = 2",
        "Schulman et al. 2017, arXiv 1707.06347, Figure 3, digitised, accurate to about "
        "±10 (HalfCheetah, Hopper), ±31 (InvertedDoublePendulum), ±3.6 (InvertedPendulum), "
        "±0.4 (Reacher), ±0.5 (Swimmer), ±13 (Walker2d)",
        "not readable there: Vanilla PG, Adaptive on InvertedDoublePendulum",
        "neither its number of seeds nor its rivals' hyperparameters",
        "Environments: v5 here (1M steps per seed), v1 in the paper (1M steps)",
        "Results: results/local.",
    ):
        assert part in caption
    assert "Not there yet" not in caption and curves.missing == ""
    assert "do not compare" not in caption


def test_without_the_paper_nothing_of_it_is_drawn_or_said(whole_view: View) -> None:
    figure = draw(whole_view, paper=False).figure
    assert not any(marked(strip, " original") for strip in strips(figure))
    assert all(marked(strip, " score") for strip in strips(figure))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == TITLES
    caption = text_of(figure, "caption")
    assert "1707" not in caption and "markers" not in caption
    assert "Environments: v5 here (1M steps per seed)." in caption


def test_what_is_missing_is_named_and_the_rest_drawn(partial_curves: Picture) -> None:
    missing = "CEM, TRPO on Hopper-v5; all of Walker2d-v5"
    assert partial_curves.missing == missing
    figure = partial_curves.figure
    assert f"Not there yet: {missing}." in text_of(figure, "caption")
    assert len(panels(figure)) == 7
    assert set(marked(strips(figure)[1], " score")) == {*VARIANTS} - {"cem", "trpo"}
    assert len(marked(strips(figure)[1], " original")) == 6
    panel = panels(figure)[6]
    assert panel.get_title(loc="left") == "Walker2d-v5"
    assert [text.get_text() for text in panel.texts] == ["no runs yet"]
    assert panel.get_xlim() == (0, 1_000_000)
    assert len(marked(strips(figure)[6], " original")) == 6


def test_numbers_of_seeds_are_told_where_they_differ(partial_curves: Picture) -> None:
    titles = [panel.get_title(loc="left") for panel in panels(partial_curves.figure)]
    assert titles[0] == "HalfCheetah-v5 (n = 1 to 2)" and titles[1] == "Hopper-v5 (n = 2)"
    counts = "(n = 2, save HalfCheetah-v5: A2C 1; Swimmer-v5: TRPO 3)"
    assert counts in text_of(partial_curves.figure, "caption")


def test_every_seed_has_its_line(whole_view: View, seeds: Picture) -> None:
    axes = seeds.figure.axes
    grid = [axes[row * 6 : row * 6 + 6] for row in range(7)]
    assert len(axes) == 42
    for cell in seed_curves(whole_view.runs, whole_view.episodes, whole_view.updates):
        panel = grid[ENVIRONMENTS.index(cell.environment)][VARIANTS.index(cell.variant)]
        lines = {str(line.get_gid()): line for line in panel.get_lines()}
        assert list(lines) == [*(f"{cell.variant} seed {n}" for n in cell.seeds), cell.variant]
        for number, values in zip(cell.seeds, cell.values, strict=True):
            thin = lines[f"{cell.variant} seed {number}"]
            np.testing.assert_array_equal(thin.get_ydata(), values)
            assert thin.get_linewidth() < lines[cell.variant].get_linewidth() / 2
        bold = np.asarray(lines[cell.variant].get_ydata())
        np.testing.assert_allclose(bold, cell.values.mean(axis=0))
        assert [text.get_text() for text in panel.texts] == ["n = 2"]
    for row in grid:
        assert len({panel.get_ylim() for panel in row}) == 1
    assert len({row[0].get_ylim() for row in grid}) == 7
    rows = ["".join(row[0].get_ylabel().split()) for row in grid]
    columns = [" ".join(panel.get_title(loc="left").split()) for panel in grid[0]]
    assert (rows, columns) == (ENVIRONMENTS, TITLES)


def test_an_empty_cell_says_so(partial_seeds: Picture) -> None:
    empty = [
        place
        for place, panel in enumerate(partial_seeds.figure.axes)
        if [text.get_text() for text in panel.texts] == ["no runs yet"]
    ]
    assert empty == [6 + 2, 6 + 5]
    assert len(partial_seeds.figure.axes) == 36  # an environment without runs has no row


def test_a_broken_seed_does_not_flatten_the_others(whole_view: View) -> None:
    episodes = whole_view.episodes.copy()
    broken = (episodes["environment"] == "Swimmer-v5") & (episodes["variant"] == "cem")
    last = episodes["step"] == episodes["step"].max()
    episodes.loc[broken & (episodes["seed"] == 0) & last, "return"] = np.nan
    cell_runs = whole_view.runs["variant"].eq("cem") & whole_view.runs["environment"].eq(
        "Swimmer-v5"
    )
    runs = whole_view.runs.assign(status="finished")
    runs.loc[cell_runs & (runs["seed"] == 0), ["status", "diverged_at"]] = ["diverged", 900_000]
    figure = draw(whole_view, runs=runs, episodes=episodes).figure
    crosses = [line for line in panels(figure)[5].get_lines() if line.get_marker() == "x"]
    assert [line.get_xdata()[0] for line in crosses] == [900_000]
    assert "CEM on Swimmer-v5: 1." in text_of(figure, "caption")


def test_the_interquartile_mean_is_possible_and_called_so(whole_view: View) -> None:
    runs = pd.concat(
        [
            whole_view.runs.assign(
                seed=whole_view.runs["seed"] + 2 * k, run=whole_view.runs["run"] + str(k)
            )
            for k in range(2)
        ]
    )
    episodes = pd.concat(
        [
            whole_view.episodes.assign(
                run=whole_view.episodes["run"] + str(k),
                **{"return": whole_view.episodes["return"] * (1 + k)},
            )
            for k in range(2)
        ]
    )
    figure = draw(whole_view, runs=runs, episodes=episodes, statistic="iqm").figure
    cells = seed_curves(runs, episodes)
    line = marked(panels(figure)[0], "clipped_ppo")[""]
    (cell,) = (
        candidate
        for candidate in cells
        if (candidate.environment, candidate.variant) == ("HalfCheetah-v5", "clipped_ppo")
    )
    np.testing.assert_array_equal(line.get_ydata(), aggregate(cell, "iqm").centre)
    assert "Line: interquartile mean" in text_of(figure, "caption")


def test_another_budget_is_said_not_to_compare(whole_view: View) -> None:
    runs, plan = whole_view.runs.assign(budget=500_000), whole_view.plan.assign(budget=500_000)
    figure = draw(whole_view, runs=runs, plan=plan).figure
    assert panels(figure)[0].get_xlim() == (0, 500_000)
    assert "values do not compare" in text_of(figure, "caption")


@pytest.mark.parametrize("ending", [".png", ".pdf"])
def test_both_can_be_written(curves: Picture, seeds: Picture, tmp_path: Path, ending: str) -> None:
    magic = {".png": b"\x89PNG", ".pdf": b"%PDF"}[ending]
    for name, drawn in (("curves", curves), ("seeds", seeds)):
        assert save(drawn.figure, tmp_path / f"{name}{ending}").read_bytes().startswith(magic)


def test_bad_input_is_refused(whole_view: View) -> None:
    with pytest.raises(InputError, match="'median'.*Allowed: iqm, mean"):
        draw(whole_view, statistic="median")
    with pytest.raises(InputError, match="no episode ended"):
        draw(whole_view, episodes=whole_view.episodes.iloc[:0])


@pytest.mark.parametrize("fixture", ["curves", "seeds", "partial_curves", "partial_seeds"])
def test_no_text_is_cut_and_none_lies_on_another(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    assert_readable(request.getfixturevalue(fixture).figure, more_than=60)
