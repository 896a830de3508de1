"""Every kind of picture: what is drawn and said, and legible in a column of a paper."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

import bench
from bench.errors import InputError
from bench.evidence.figures.caption import budgets_text
from bench.evidence.figures.kinds import KINDS, picture
from bench.evidence.measures.diagnostics import first_values
from bench.evidence.results import Results
from tests.evidence.drawn_texts import assert_readable, texts_drawn
from tests.evidence.report.made_results import SyntheticAblation, rising, write
from tests.experiment_results import SyntheticRuns, untrained_score
from tests.experiment_results import write as write_suite

TITLES = ("adaptive KL, d_targ = 0.003", "adaptive KL, d_targ = 0.01", "adaptive KL, d_targ = 0.03")
OF_ALL = sorted(set(KINDS) - {"kl"})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Three variants on two environments, and the untrained policy. Not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    write_suite(folder, "untrained", SyntheticRuns(score=untrained_score, seeds=2, episodes=20))
    write(folder, SyntheticAblation(variants=TITLES, seeds=10))
    return Results(view=bench.load("made", folder), source="results/local")


def panel_of(axes: list[Axes], environment: str) -> Axes:
    (match,) = (panel for panel in axes if panel.get_title(loc="left").startswith(environment))
    return match


def dots(panel: Axes, variant: str) -> list[float]:
    lines = [line for line in panel.get_lines() if line.get_gid() == f"{variant} scores"]
    return sorted(float(score) for line in lines for score in line.get_xdata())


@pytest.mark.parametrize("width", ["column", "page", None])
@pytest.mark.parametrize("kind", OF_ALL)
def test_names_are_whole_and_every_text_can_be_read(
    results: Results, kind: str, width: str | None
) -> None:
    drawn = picture(results, kind, width=width)
    assert_readable(drawn.figure, more_than=8)
    all_text = " ".join(" ".join(text.get_text().split()) for text in texts_drawn(drawn.figure))
    for title in TITLES[1:] if kind == "differences" else TITLES:
        assert title in all_text
    assert " ".join(drawn.caption[0].split()) in all_text


def test_a_figure_of_a_column_is_as_wide_and_has_small_letters(results: Results) -> None:
    figure = picture(results, width="column", title=False, caption=False).figure
    assert figure.get_figwidth() == 3.3
    assert [text for text in figure.texts if text.get_text()] == []
    assert {text.get_fontsize() for text in figure.legends[0].get_texts()} == {7.0}
    large = picture(results, width=3.3, font_size=9).figure
    assert {text.get_fontsize() for text in large.legends[0].get_texts()} == {9.0}


def test_some_variants_and_environments_keep_their_looks_and_place(results: Results) -> None:
    figure = picture(results).figure
    selection = picture(
        results, variants=["variant_2", "variant_0"], environments=["Walker2d-v5"]
    ).figure
    panel = panel_of(selection.axes, "Walker2d-v5")
    all_lines = {
        str(line.get_gid()): line for line in panel_of(figure.axes, "Walker2d-v5").get_lines()
    }
    selected_lines = {
        str(line.get_gid()): line for line in panel.get_lines() if " " not in line.get_gid()
    }
    assert list(selected_lines) == ["variant_0", "variant_2"]
    for name, line in selected_lines.items():
        assert line.get_color() == all_lines[name].get_color()
        assert line.get_marker() == all_lines[name].get_marker()
        np.testing.assert_array_equal(line.get_ydata(), all_lines[name].get_ydata())
    assert len(selection.axes) == 2


def test_scores_are_those_of_the_seeds(results: Results) -> None:
    figure = picture(results, "scores").figure
    for environment in ("Hopper-v5", "Walker2d-v5"):
        for place in range(3):
            expected = sorted(rising(place, seed) for seed in range(10))
            scores = dots(panel_of(figure.axes, environment), f"variant_{place}")
            np.testing.assert_allclose(scores, expected)


def test_differences_are_those_of_pairs_beside_a_zero(results: Results) -> None:
    drawn = picture(results, "differences")
    panel = panel_of(drawn.figure.axes, "Hopper-v5")
    assert dots(panel, "variant_0") == []
    np.testing.assert_allclose(dots(panel, "variant_2"), np.full(10, 200.0))
    assert [line.get_xdata()[0] for line in panel.get_lines() if line.get_gid() == "zero"] == [0]
    assert f"Compared: “{TITLES[1]}” and “{TITLES[2]}” with “{TITLES[0]}”." in drawn.caption[0]


def test_a_profile_falls_from_one_and_names_its_scale(results: Results) -> None:
    drawn = picture(results, "profile")
    (panel,) = drawn.figure.axes
    lines = {line.get_gid(): np.asarray(line.get_ydata()) for line in panel.get_lines()}
    for place in range(3):
        share = lines[f"variant_{place}"]
        assert share[0] == 1 and np.all(np.diff(share) <= 0)
    assert np.all(lines["variant_2"] >= lines["variant_0"])
    assert "0 is the mean score of the untrained policy, 1 our PPO (Clip) at" in drawn.caption[0]


def test_the_mechanism_is_a_panel_a_diagnostic_and_environment(results: Results) -> None:
    drawn = picture(results, "mechanism")
    labels = [panel.get_ylabel().replace("\n", " ") for panel in drawn.figure.axes]
    assert labels == ["mean KL [nats]"] * 2 + ["gradient variance"] * 2
    line = next(
        candidate
        for candidate in drawn.figure.axes[2].get_lines()
        if candidate.get_gid() == "variant_1"
    )
    np.testing.assert_allclose(line.get_ydata(), 5.0 / (2.0 + np.arange(5)), rtol=1e-6)
    single = picture(results, "mechanism", columns=["gradient_variance"])
    assert len(single.figure.axes) == 2
    variances = first_values(results.view.updates, "gradient_variance")
    np.testing.assert_allclose([*variances["Hopper-v5", "variant_1"].values()], [2.5] * 10)


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    write(tmp_path, SyntheticAblation(seeds=2, environments=("Nowhere-v0",), variants=("only",)))
    lone_results = Results(view=bench.load("made", tmp_path), source="here")
    for kind, message in (
        ("differences", "no variant has a seed in common with another"),
        ("profile", "no environment has a scale of normalised scores"),
        ("kl", "token environments only"),
    ):
        with pytest.raises(InputError, match=message):
            picture(lone_results, kind)


def test_a_view_draws_itself_and_the_store_rests_on_nothing_that_draws(results: Results) -> None:
    view = results.view
    figure = view.figure("scores", width=3.3, environments=["Hopper-v5"])
    assert figure.get_figwidth() == 3.3 and len(figure.axes) == 1
    assert [text for text in figure.texts if text.get_text()] == []
    with pytest.raises(InputError, match="a figure of kind profile has no option statistic"):
        view.figure("profile", statistic="mean")
    code = "import sys, bench.store; print('matplotlib' in sys.modules, 'bench.api' in sys.modules)"
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert completed.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("kind", OF_ALL)
def test_a_caption_says_what_was_left_out_and_what_kind_the_returns_are(
    results: Results, kind: str
) -> None:
    """Seeds beyond the plan's ten; evaluations instead of training episodes."""
    view = results.view
    text = " ".join(picture(results, kind, title=False, caption=False).caption)
    assert "beyond the plan" not in text and "Not training episodes" not in text
    runs = view.runs.assign(evaluation="evaluations: deterministic actions, raw rewards")
    runs["seed"] = runs["seed"].replace(9, 10)
    events = {"episodes": view.episodes.copy(), "updates": view.updates.copy()}
    for frame in events.values():
        frame["seed"] = frame["seed"].replace(9, 10)
    metadata = [
        json.dumps({**json.loads(text), "seeds": [*range(10)]}) for text in view.plan["metadata"]
    ]
    changed = replace(view, runs=runs, plan=view.plan.assign(metadata=metadata), **events)
    made = Results(view=changed, source="", given_anchors=results.anchors)
    text = " ".join(picture(made, kind, title=False, caption=False).caption)
    assert text.count("Seeds 10 are beyond the plan's 0-9 and not counted") == 1
    assert text.count(f"Not training episodes but evaluations: {', '.join(TITLES)}.") == (
        kind != "mechanism"  # whose updates are of training
    )
    assert "training episodes" not in text.replace("Not training episodes", "")


@pytest.mark.parametrize("kind", sorted(set(OF_ALL) - {"seeds"}))
def test_a_band_stands_beside_its_measured_coverage_and_n(results: Results, kind: str) -> None:
    text = " ".join(picture(results, kind, title=False, caption=False).caption)
    assert re.search(r"easured coverage, for normal data.*9\d% at n = 10", text)
    assert "n = 10" in text.partition("easured coverage")[0]


def test_all_budgets_of_an_environment_are_said(results: Results) -> None:
    longer = (results.runs["variant"] == "variant_2") & (
        results.runs["environment"] == "Walker2d-v5"
    )
    runs = results.runs.assign(budget=results.runs["budget"].where(~longer, 20_000))
    assert budgets_text(runs) == (
        "Environments: Hopper-v5 (1k steps), Walker2d-v5 (1k and 20k steps)."
    )
