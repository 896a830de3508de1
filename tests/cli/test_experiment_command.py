"""`figure --ablation experiment` and `surrogates`: files, tables and what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.app import main
from bench.evidence.measures import anchors
from tests.experiment_results import (
    REACHED,
    SyntheticRuns,
    cells,
    untrained_score,
    write,
)

ROOT = Path(__file__).parents[2]
FEW = ("HalfCheetah-v5", "Hopper-v5")
MISSING = [cell for cell in cells("experiment") if cell[0] not in FEW]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment on two environments of seven, and the untrained policy. Not to be changed."""
    folder = tmp_path_factory.mktemp("experiment")
    write(folder, "experiment", SyntheticRuns(seeds=2, missing=MISSING, episodes=20))
    missing = [cell for cell in cells("untrained") if cell[1] != "untrained"]
    write(
        folder,
        "untrained",
        SyntheticRuns(score=untrained_score, seeds=2, missing=missing, episodes=20),
    )
    return folder


def figure(results: Path, *arguments: str, ablation: str = "experiment") -> int:
    return main(["figure", "--ablation", ablation, "--results", str(results), *arguments])


@pytest.mark.parametrize("ending", [".png", ".pdf"])
def test_the_figure_and_the_tables(
    results: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output, table = tmp_path / "new folder" / f"three{ending}", tmp_path / "three.md"
    assert figure(results, "--output", str(output), "--table", str(table)) == 0
    printed = capsys.readouterr().out
    assert f"Drawn from {results}: {output}\n" in printed
    assert output.read_bytes().startswith({".png": b"\x89PNG", ".pdf": b"%PDF"}[ending])
    missing = "; ".join(f"all of {name}" for name in REACHED if name not in FEW)
    assert f"Not there yet: {missing}." in printed
    text = table.read_text()
    assert f"* Not there yet: {missing}." in text
    # The untrained policy of the same folder: seeds 0 and 1 of Hopper's earn 19.1 and 19.3.
    (row,) = (line for line in text.splitlines() if "| Hopper-v5 | PPO (Clip) | 2 | " in line)
    assert row.split(" | ")[5:7] == ["2,142 ± 10", "19.2"]
    assert text.count("no claim: n = 2 < 10") == 5 * 3
    (ppo,) = (line for line in text.splitlines() if line.startswith("| PPO (Clip) | 2 | 2 | "))
    assert ppo.split(" | ")[3] == "1.00"


def test_in_the_results_folder_without_an_output(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert figure(results, "--statistic", "iqm", "--no-paper", "--env", "Hopper-v5") == 0
    assert figure(results, "--kind", "seeds", "--env", "Hopper-v5") == 0
    assert figure(results, "--x", "seconds", "--env", "Hopper-v5") == 0
    folder = results / "figures"
    assert sorted(path.name for path in folder.iterdir()) == [
        "experiment_Hopper-v5.png",
        "experiment_seconds_Hopper-v5.png",
        "experiment_seeds_Hopper-v5.png",
    ]


def test_the_caption_goes_where_it_is_asked_to(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a column without title: what a paper needs, and its caption for LaTeX beside it."""
    drawing, caption = tmp_path / "a.svg", tmp_path / "new" / "a.tex"
    layout = ["--width", "column", "--font-size", "6.5", "--no-title", "--output", str(drawing)]
    selection = ["--env", "Hopper-v5", "--variant", "trpo", "--variant", "a2c"]
    assert figure(results, *layout, *selection, "--caption", str(caption)) == 0
    assert f"Caption: {caption}\n" in capsys.readouterr().out
    svg = drawing.read_text()
    assert 'width="237.6pt"' in svg  # 3.3 inches
    assert "Line: mean" not in svg and "How does clipped PPO" not in svg
    assert "A2C + Trust Region" not in svg and ">TRPO<" in svg and "Swimmer" not in svg
    caption_text = caption.read_text()
    assert caption_text.startswith("Line: mean over seeds (n = 2) of the return")
    assert (
        r"pointwise 95\% percentile-bootstrap" in caption_text
        and r"$\pm$10 (Hopper)" in caption_text
    )


def test_no_paper_leaves_out_the_original(results: Path, tmp_path: Path) -> None:
    files = {}
    for option in ("--paper", "--no-paper"):
        files[option] = tmp_path / f"{option}.svg"
        arguments = ("--env", "Hopper-v5", "--output", str(files[option]))
        assert figure(results, option, *arguments) == 0
    assert "PPO paper, digitised" in files["--paper"].read_text()
    assert "digitised" not in files["--no-paper"].read_text()
    assert "clipped_ppo original" not in files["--no-paper"].read_text()


def test_the_statistic_is_the_mean_unless_asked_otherwise(results: Path, tmp_path: Path) -> None:
    drawn = {}
    for statistic in ("", "mean", "iqm"):
        output = tmp_path / f"{statistic or 'none'}.svg"
        options = ["--statistic", statistic] if statistic else []
        assert figure(results, *options, "--env", "Hopper-v5", "--output", str(output)) == 0
        drawn[statistic] = output.read_bytes()
    # Below four seeds the two are one, and the caption says mean.
    assert drawn[""] == drawn["mean"] == drawn["iqm"]


def test_bad_statistic(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert figure(results, "--statistic", "median") == 2
    assert "unknown statistic 'median'" in capsys.readouterr().err


def test_without_the_untrained_policy_the_tables_say_what_they_lack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "PUBLISHED", tmp_path / "nowhere")
    present = [("Hopper-v5", "clipped_ppo"), ("Hopper-v5", "trpo")]
    missing = [cell for cell in cells("experiment") if cell not in present]
    results = write(
        tmp_path / "r", "experiment", SyntheticRuns(seeds=2, missing=missing, episodes=20)
    )
    table = tmp_path / "x.md"
    assert figure(results, "--output", str(tmp_path / "x.png"), "--table", str(table)) == 0
    assert "`python -m bench run --ablation untrained`" in table.read_text()


def test_the_surrogates_table_stands_before_the_usual_ones(results: Path, tmp_path: Path) -> None:
    def earned(environment: str, variant: str, seed: int) -> float:
        return {"clip_0.2": 3000.0, "no_clip": -900.0}[variant] + seed

    present = [("Hopper-v5", "clip_0.2"), ("Hopper-v5", "no_clip")]
    missing = [cell for cell in cells("surrogates") if cell not in present]
    store = write(
        tmp_path / "r",
        "surrogates",
        SyntheticRuns(score=earned, seeds=2, missing=missing, episodes=20),
    )
    untrained_missing = [cell for cell in cells("untrained") if cell != ("Hopper-v5", "untrained")]
    write(
        store,
        "untrained",
        SyntheticRuns(score=untrained_score, seeds=2, missing=untrained_missing, episodes=20),
    )
    table = tmp_path / "x.md"
    files = ["--output", str(tmp_path / "x.png"), "--table", str(table)]
    assert figure(store, *files, ablation="surrogates") == 0
    lines = table.read_text().splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert headings == [
        "## Surrogate objectives",
        "### Beside Table 1 of the PPO paper: average normalised score",
        "### Hopper-v5",
    ]
    (best,) = (line for line in lines if line.startswith("| clipping, ε = 0.2 | 0.82 | "))
    assert best.split(" | ")[2] == "1.00"
    (worst,) = (line for line in lines if line.startswith("| no clipping or penalty | −0.39 | "))
    assert worst.split(" | ")[2].startswith("−0.")
    assert any("no claim: n = 2 < 10" in line for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r", "x.md", "x.png"]
