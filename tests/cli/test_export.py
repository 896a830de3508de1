"""`export`: what other programs read is what is stored."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import bench
from bench.cli.app import main
from bench.evidence.export.latex import escaped
from bench.evidence.export.tidy import tidy_tables
from bench.evidence.findings import findings
from bench.evidence.measures.scores import score_runs
from bench.evidence.verdicts import return_text
from bench.store import NO_EPISODES, NO_UPDATES, Store
from tests.evidence.report import made_results as report_results
from tests.experiment_results import SyntheticRuns, untrained_score, write


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two policies that don't learn, two seeds each. Not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    write(folder, "untrained", SyntheticRuns(score=untrained_score, seeds=2, episodes=20))
    return folder


def export(results: Path, to: str, *arguments: str) -> int:
    return main(
        ["export", "--ablation", "untrained", "--results", str(results), "--to", to, *arguments]
    )


def test_csv_holds_every_run_episode_and_update(results: Path, tmp_path: Path) -> None:
    assert export(results, "csv", "--output", str(tmp_path / "new" / "folder")) == 0
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "new" / "folder").iterdir()}
    assert set(tables) == {"statistics", "scores", "episodes", "updates"}
    view = bench.load("untrained", results)
    scores = score_runs(view.runs, view.episodes, view.updates)
    pd.testing.assert_series_equal(tables["scores"]["score"], scores["score"])
    assert tables["scores"]["run"].tolist() == scores["run"].tolist()
    for name, stored in (("episodes", view.episodes), ("updates", view.updates)):
        assert len(tables[name]) == len(stored)
        keys = ["environment", "variant", "seed", "run"]
        assert tables[name].columns[:4].tolist() == keys
        assert set(tables[name]["run"]) == set(stored["run"])
    total = tables["episodes"].groupby("run")["return"].sum()
    pd.testing.assert_series_equal(total, view.episodes.groupby("run")["return"].sum())
    means = scores.groupby(["environment", "variant"])["score"].mean()
    exported = tables["statistics"].set_index(["environment", "variant"])["mean"]
    pd.testing.assert_series_equal(exported.sort_index(), means, check_names=False)


def test_episodes_of_runs_without_a_score_have_their_kind_in_csv(results: Path) -> None:
    view = bench.load("untrained", results)
    analysis = findings(view)
    runs = view.runs.assign(evaluation="imported: evaluations, somebody's")
    tables = tidy_tables(analysis.tables, analysis.scores[:1], replace(view, runs=runs))
    assert set(tables["episodes"]["kind"]) == {"evaluations"}


def test_without_an_episode_latex_has_no_seeds(tmp_path: Path) -> None:
    made = report_results.SyntheticAblation(score=lambda place, seed: float("nan"), seeds=1)
    report_results.write(tmp_path, made)
    assert main(["export", "made", "--results", str(tmp_path), "--to", "latex"]) == 0
    assert "with 0 seeds each" in (tmp_path / "exports" / "made" / "made_methods.tex").read_text()


def test_tensorboard_opens_its_files(results: Path, tmp_path: Path) -> None:
    for _ in range(2):  # again: replaced, not added to
        assert export(results, "tensorboard", "--output", str(tmp_path)) == 0
    view = bench.load("untrained", results)
    assert len(list(tmp_path.rglob("events.out.tfevents*"))) == len(view.runs)
    assert len(list(tmp_path.rglob("*"))) == len(view.runs) * 2 + 8 + 16
    run = view.runs.iloc[0]
    folder = tmp_path / run.environment / run.variant / f"seed_{run.seed}"
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    episodes = view.episodes[
        (view.episodes["run"] == run.run) & (view.episodes["variant"] == run.variant)
    ]
    events = accumulator.Scalars("episode/return")
    assert [event.step for event in events] == episodes["step"].tolist()
    np.testing.assert_allclose([event.value for event in events], episodes["return"], rtol=1e-6)
    first = run.started.timestamp() + float(episodes["seconds"].iloc[0])
    assert events[0].wall_time == pytest.approx(first)
    updates = view.updates[(view.updates["run"] == run.run)]
    tags = {tag for tag in accumulator.Tags()["scalars"] if tag.startswith("update/")}
    diagnostics = updates.drop(columns=["update", "step", "seconds"]).select_dtypes("float32")
    assert tags == {f"update/{name}" for name in diagnostics if diagnostics[name].notna().any()}


def test_latex_is_one_table_with_its_methods_and_sources(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "tables.tex"
    assert export(results, "latex", "--output", str(path)) == 0
    names = ["tables.bib", "tables.tex", "tables_methods.tex"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    text = path.read_text()
    check_latex(text)
    assert text.count(r"\begin{table*}") == text.count(r"\toprule") == 1
    assert r"\label{tab:untrained}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + 2 * 2  # the names of the environments; each variant's mean, interval
    assert all(len(re.findall(r"(?<!\\)&", row)) == 8 for row in rows)
    view = bench.load("untrained", results)
    scores = score_runs(view.runs, view.episodes, view.updates)
    first = scores[scores["variant"] == rows_of(scores, "variant")[0]]
    means = first.groupby("environment", sort=False)["score"].mean()
    cells = [cell.split("$^")[0] for cell in rows[1].removesuffix(r" \\").split(" & ")[1:]]
    assert [cell.replace("$-$", "-").replace("{,}", "") for cell in cells] == [
        return_text(mean).replace("−", "-").replace(",", "") for mean in means
    ]
    methods, bibliography = ((tmp_path / name).read_text() for name in (names[2], names[0]))
    check_latex(methods)
    assert "No difference is claimed, as no comparison has 10 pairs" in methods
    assert "simulation of normal data: 50\\% at n = 2." in methods
    cited = set(re.findall(r"\\cite\{([^}]+)\}", methods))
    assert "efron1993bootstrap" in cited
    assert set(re.findall(r"^@\w+\{([^,]+),$", bibliography, re.MULTILINE)) == cited
    assert bibliography.count("{") == bibliography.count("}")


def rows_of(frame: pd.DataFrame, column: str) -> list[str]:
    return list(dict.fromkeys(frame[column]))


def check_latex(text: str) -> None:
    """What a compiler would refuse, as far as it can be told without one."""
    assert text.isascii()
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)  # what is escaped, and line breaks
    lines = [line for line in bare.splitlines() if not line.startswith("%")]
    body = "\n".join(lines)
    assert body.count("{") == body.count("}") and body.count("$") % 2 == 0
    assert not re.search(r"[%#]", body) and not re.search(
        r"[_^]",
        re.sub(r"\$[^$]*\$", "", re.sub(r"\\(cite|label|begin|end|usepackage)\{[^}]*\}", "", body)),
    )
    assert [*re.findall(r"\\begin\{(.+?)\}", body)] == [*re.findall(r"\\end\{(.+?)\}", body)][::-1]
    assert not re.search(r"\\\\\s*[\[*]", text)  # an option of a line break


def test_latex_marks_claims_once_and_says_what_they_mean(tmp_path: Path) -> None:
    titles = ("[old] 50% of a_b", "new, better", "new, alike")
    ablation = report_results.SyntheticAblation(
        variants=titles, score=lambda place, seed: (100, 300, 100)[place] + (seed * 7) % 5
    )
    report_results.write(tmp_path, ablation)
    output = tmp_path / "made.tex"
    common = ["--ablation", "made", "--results", str(tmp_path), "--output", str(output)]
    assert main(["export", "--to", "latex", *common]) == 0
    text, methods = output.read_text(), (tmp_path / "made_methods.tex").read_text()
    check_latex(text)
    check_latex(methods)
    assert r"{}[old] 50\% of a\_b (control) & 102 & 102 \\" in text
    assert r"new, better & 302$^{\uparrow}$ & 302$^{\uparrow}$ \\" in text
    assert r"new, alike & 102 & 102 \\" in text
    claim = (
        r"better than [old] 50\% of a\_b, $^{\downarrow}$: worse ($p \leq 0.05$, adjusted over 4"
    )
    assert text.count(claim) == 1
    assert (
        r"exact sign-flip test of the mean paired difference over 10 common seeds~\cite{pitman"
        in (methods)
    )
    assert "over all 4 comparisons, and a difference" in methods
    assert r"mujoco 4.0.0~\cite{todorov2012mujoco}" in methods
    assert "@inproceedings{todorov2012mujoco," in output.with_suffix(".bib").read_text()


def failed(results: Path, target: Path, keep: int) -> Path:
    """A copy of a store in which all runs but some failed."""
    store = Store(shutil.copytree(results, target))
    for row in store.runs().astype(object).to_dict("records")[keep:]:
        stored = {name: None if pd.isna(value) else value for name, value in row.items()}
        counts = dict.fromkeys(("steps", "episodes", "updates"), 0)
        failed_row = {**stored, **counts, "status": "failed", "reason": "it broke"}
        store.write_run(failed_row, NO_EPISODES, NO_UPDATES, None)
    return target


def test_failed_runs_are_counted_apart(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = failed(results, tmp_path / "broken", keep=24)
    for to in ("csv", "tensorboard", "latex"):
        output = tmp_path / (f"{to}.tex" if to == "latex" else to)
        capsys.readouterr()
        assert export(broken, to, "--output", str(output)) == 0
        printed = capsys.readouterr().out
        assert "Left out: 8 runs that failed." in printed
        assert ("24 runs in" in printed) == (to == "tensorboard")
    assert len(pd.read_csv(tmp_path / "csv" / "scores.csv")) == 24
    statistics = pd.read_csv(tmp_path / "csv" / "statistics.csv")
    assert (statistics["n"].sum(), statistics["failed"].sum()) == (24, 8)
    assert (statistics["n"] + statistics["failed"] == 2).all()
    assert len(list((tmp_path / "tensorboard").rglob("events.out.tfevents*"))) == 24
    text = (tmp_path / "latex.tex").read_text()
    assert "Failed runs (not counted): " in text


def test_without_a_result_there_is_nothing_to_export(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = failed(results, tmp_path / "broken", keep=0)
    for to in ("csv", "tensorboard", "latex"):
        assert export(broken, to) == 2
        message = "error: no run of untrained has a result to export; 32 runs failed\n"
        assert capsys.readouterr().err == message
    assert not (broken / "exports").exists()


def test_what_latex_would_read_as_a_command_is_escaped() -> None:
    assert escaped("50% of a_b & c#d {x} ~ ^ \\ $") == (
        r"50\% of a\_b \& c\#d \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )
    assert escaped("ε = 0.2, β ≤ −1 ± 3") == (r"$\varepsilon$ = 0.2, $\beta$ $\leq$ $-$1 $\pm$ 3")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("xlsx",), "unknown format 'xlsx'"),
        (("latex", "--output", "table.txt"), "its name must end in .tex"),
        (("csv", "--output", "/proc/nowhere"), "cannot write into '/proc/nowhere'"),
        (("latex", "--output", "/proc/nowhere/a.tex"), "cannot write '/proc/nowhere/a.tex'"),
        (("tensorboard", "--output", "/proc/nowhere"), "cannot write into '/proc/nowhere'"),
    ],
)
def test_bad_input_gets_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert export(results, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message in error
