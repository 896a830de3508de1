"""The figure of rewards against KL: its lines, dots and texts; never its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tuned import BATCHES, tuned

from bench.errors import InputError
from bench.evidence.figures.kinds import picture
from tests.evidence.made_view import results_of

RISE = np.linspace(0, 1, BATCHES)


def frames(gold: bool = True) -> Any:
    descriptions = {
        (variant, seed): {
            "reward": final_reward * RISE + seed / 10,
            "gold": final_gold * RISE if gold else np.nan,
            "kl": final_kl * RISE,
        }
        for variant, final_reward, final_gold, final_kl in (
            ("held", 8.0, 7.0, 9.0),
            ("hacked", 30.0, 0.0, 225.0),
        )
        for seed in range(4)
    }
    return tuned(descriptions)


def draw(tuned_frames: Any, **options: Any) -> Figure:
    return picture(results_of(*tuned_frames, **options), "kl").figure


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_visible()]


def lines(panel: Axes) -> dict[str, Any]:
    all_lines = {str(line.get_gid()): line for line in panel.get_lines()}
    return {name: line for name, line in all_lines.items() if not name.startswith("legend ")}


def test_a_panel_of_rewards_and_one_of_what_they_stand_for() -> None:
    reward, gold = panels(draw(frames(), control="held"))
    assert reward.get_title(loc="left").startswith("Reviews-v0: reward")
    assert gold.get_title(loc="left").startswith("Reviews-v0: gold reward")
    assert reward.get_ylim() == gold.get_ylim() and reward.get_xlim() == gold.get_xlim()


def test_lines_are_the_way_and_dots_the_ends_of_all_seeds() -> None:
    reward, gold = (lines(panel) for panel in panels(draw(frames(), control="held")))
    curve = reward["hacked"]
    assert curve.get_xdata()[-1] == pytest.approx(225)
    assert curve.get_ydata()[-1] == pytest.approx(30.15)
    half_way = np.searchsorted(curve.get_xdata(), 112)
    assert curve.get_ydata()[half_way] == pytest.approx(
        30 * curve.get_xdata()[half_way] / 225 + 0.15
    )
    assert gold["hacked"].get_ydata()[-1] == pytest.approx(0)
    ends = reward["hacked ends"]
    assert len(ends.get_xdata()) == 4
    last = RISE[-2:].mean()  # the last tenth
    np.testing.assert_allclose(ends.get_xdata(), 225 * last)
    np.testing.assert_allclose(np.sort(ends.get_ydata()), 30 * last + np.arange(4) / 10)


def test_everything_is_within_the_limits() -> None:
    for panel in panels(draw(frames())):
        for line in lines(panel).values():
            x, y = line.get_xdata(), line.get_ydata()
            finite = np.isfinite(x) & np.isfinite(y)
            assert finite.any()
            assert (x[finite] <= panel.get_xlim()[1]).all() and (x[finite] >= 0).all()
            assert (y[finite] <= panel.get_ylim()[1]).all() and (
                y[finite] >= panel.get_ylim()[0]
            ).all()


def test_without_gold_there_is_one_panel() -> None:
    figure = draw(frames(gold=False))
    (panel,) = panels(figure)
    assert panel.get_title(loc="left").startswith("Reviews-v0: reward")
    assert "Gold" not in " ".join(text.get_text() for text in figure.texts)


def test_small_and_large_kl_are_told_apart() -> None:
    """The axis is that of the square root: a quarter of the KL is half way."""
    panel = panels(draw(frames()))[0]
    to_axes = panel.transData + panel.transAxes.inverted()
    low, quarter, high = (to_axes.transform((x, 0))[0] for x in (0, 50, 200))
    assert low == pytest.approx(0)
    assert quarter == pytest.approx(high / 2)


def test_the_caption_says_what_is_drawn_and_of_how_many() -> None:
    figure = draw(frames())
    all_text = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    for words in (
        "Gold reward: what it stands for",
        "results/local",
        "square root",
        "torch 2.13.0",
    ):
        assert words in all_text
    assert "n = 4" in panels(figure)[0].get_title(loc="left")


def test_runs_without_a_reference_are_refused() -> None:
    with pytest.raises(InputError, match="token environments only; choose --x steps"):
        draw(tuned({("a", 0): {"reward": 1}}))


def test_where_most_end_is_drawn_again_if_others_end_far_away() -> None:
    descriptions = {
        (variant, seed): {"reward": reward + seed / 10, "gold": reward, "kl": kl + seed / 10}
        for variant, reward, kl in (
            ("a", 6.0, 5.0),
            ("b", 7.0, 6.0),
            ("c", 8.0, 7.0),
            ("d", 30.0, 99),
        )
        for seed in range(3)
    }
    figure = draw(tuned(descriptions))
    full, _, near, near_gold = panels(figure)
    assert near.get_title(loc="left") == "Reviews-v0: reward, where most end"
    assert near_gold.get_title(loc="left") == "Reviews-v0: gold reward, where most end"
    assert full.get_xlim()[1] > 99
    low, high = near.get_xlim()
    assert 4 < low < 5 and 7.2 < high < 8
    low, high = near.get_ylim()
    assert 5 < low < 6 and 8.2 < high < 9
    assert "save below, where most end" in " ".join(
        " ".join(text.get_text() for text in figure.texts).split()
    )
