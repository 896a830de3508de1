"""The report of one ablation: its sections, and numbers equal to those of the statistics."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench
from algorithms import ALGORITHMS
from bench.evidence.measures.curves import seed_curves
from bench.evidence.measures.scores import score_runs
from bench.evidence.measures.thresholds import median_time, times_to
from bench.evidence.pages import hundred_seeds
from bench.evidence.report import building, tables
from bench.evidence.results import Results
from bench.evidence.statistics.improvement import probability_of_improvement
from bench.evidence.tables import make_tables
from bench.evidence.verdicts import judge_plan, return_text
from tests.evidence.conftest import make_frames
from tests.evidence.made_view import results_of
from tests.evidence.report.made_results import (
    SyntheticAblation,
    pages,
    read,
    read_all,
    report,
    squeezed,
    text_of,
    write,
)
from tests.experiment_results import SyntheticRuns, untrained_score
from tests.experiment_results import write as write_suite

SECTIONS = ("What may be claimed", "Variants of", "Learning curves of", "Differences in")
SUPPLEMENT = (
    *(
        "Differences, by pairs of seeds",
        "Probability of improvement",
        "Time to the control’s score",
    ),
    *("Typical values of diagnostics", "Every hyperparameter", "The runs: every number"),
)

Written = Callable[[SyntheticAblation], tuple[Path, Path]]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Results and the PDF of their report."""

    def write_both(ablation: SyntheticAblation) -> tuple[Path, Path]:
        results = write(tmp_path / "results", ablation)
        path = tmp_path / "report.pdf"
        assert report(results, path) == 0
        return results, path

    return write_both


def test_it_has_every_section_and_the_numbers_of_the_statistics(written: Written) -> None:
    results, path = written(SyntheticAblation())
    text, main_text = read_all(path), read(path)
    for section in (*SECTIONS, *SUPPLEMENT):
        assert squeezed(section) in text
    for section in SECTIONS:
        assert squeezed(section) in main_text
    for section in SUPPLEMENT:
        assert squeezed(section) not in main_text
    view = bench.load("made", results)
    scores = score_runs(view.runs, view.episodes, view.updates)
    verdicts, _ = judge_plan(view.plan, scores)
    for table in make_tables(scores, verdicts):
        for row in table.cells:
            assert squeezed("".join(row)) in text
    values = scores[scores["environment"] == "Hopper-v5"].groupby("variant")["score"]
    probability = probability_of_improvement(
        [(values.get_group("variant_1"), values.get_group("variant_0"))]
    )
    assert squeezed(f"with without Hopper-v5 {probability:.2f}") in text
    curves = {
        (curve.environment, curve.variant): curve
        for curve in seed_curves(view.runs, view.episodes, view.updates)
    }
    threshold = float(values.get_group("variant_0").mean())
    times = times_to(curves["Hopper-v5", "variant_1"], threshold)
    reached, median = sum(times < float("inf")), median_time(times)
    assert squeezed(f"{return_text(threshold)} with {reached} of 10 {median:g}") in text
    claim = "On Hopper-v5 and Walker2d-v5, “with” beats the control, “without”, by 100 (p ≤ 0.0039)"
    assert squeezed(claim) in text


def test_a_hyperparameter_means_what_it_does_in_each_algorithm(written: Written) -> None:
    _, path = written(SyntheticAblation(seeds=2))
    assert squeezed("width 0 (without); 1 (with) how wide [units]") in read_all(path)
    _, path = written(SyntheticAblation(seeds=2, meanings=("how wide", "how broad")))
    expected = "width 0 (without); 1 (with) how wide [units] (without); how broad [units] (with)"
    assert squeezed(expected) in read_all(path)


def test_everything_in_which_two_variants_differ_is_told(written: Written) -> None:
    _, path = written(SyntheticAblation(seeds=2))
    assert squeezed("with without algorithm baseline; width 1 (0); epochs 2 (1)") in read(path)


def test_a_section_without_content_is_left_out(written: Written) -> None:
    _, path = written(SyntheticAblation(seeds=3, variants=("only one",)))
    text = read_all(path)
    for section in ("Variants of", "Differences", "Time to the control", "Aggregates"):
        assert squeezed(section) not in text
    assert squeezed("Learning curves of") in text


def test_every_number_can_be_traced_to_its_runs(written: Written) -> None:
    results, path = written(SyntheticAblation())
    view = bench.load("made", results)
    files = (path, path.with_name("report-supplement.pdf"))
    text = " ".join(text_of(page) for file in files for page in pages(file))
    for run in view.runs["run"]:
        assert run in text  # unbroken, to be searched for
    assert set(view.runs["digest"]) == {"0123456789abcdef"}
    assert "0123456789abcdef" in text
    assert "algorithms/some_file.py" in text


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"seeds": 1}, ["No difference is claimed", "One seed: no interval can be given"]),
        ({"seeds": 9}, ["No difference is claimed: there are at most 9 pairs", "n = 9 < 10"]),
        ({"variants": ("only one",)}, ["There is one variant only", "nothing is claimed"]),
        (
            {"environments": ("Hopper-v5",)},
            ["“with” beats the control"],
        ),
        ({"diverged": {(1, 3)}}, ["Diverged seeds (counted with their last value): with on"]),
        ({"missing": {("Hopper-v5", 1)}}, ["On Walker2d-v5, “with” beats the control"]),
        ({"missing": {("Hopper-v5", 0), ("Walker2d-v5", 0)}}, ["The control variant_0 has no"]),
        ({"score": lambda _, seed: 10.0 + seed}, ["All 2 comparisons are inconclusive"]),
        ({"digests": ("a" * 16, "b" * 16)}, ["has runs of different code", "aaaaaaaa"]),
        ({"algorithms": ("of_a_user",)}, ["Σ R ∇log p", "An algorithm"]),
        (
            {"variants": ("猫 without", "Größe β ≤ ½"), "question": "Почему 猫?"},
            ["U+732B without", "Größe β ≤ ½", "Почему U+732B?"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_whatever_the_results_look_like(
    written: Written, changes: dict[str, object], sentences: list[str]
) -> None:
    _, path = written(dataclasses.replace(SyntheticAblation(), **changes))  # type: ignore[arg-type]
    text = read_all(path)
    for sentence in sentences:
        assert squeezed(sentence) in text
    assert _outside(path) == []


def test_a_hundred_seeds_have_the_tables_of_their_page(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hundred_seeds, "FEWEST", 10)
    monkeypatch.setattr(hundred_seeds, "SEEDS", (3,))
    _, path = written(SyntheticAblation(page="hundred_seeds", environments=("Hopper-v5",)))
    text = read(path)
    for heading in (
        "Coverage of nominal 95% intervals",
        "How often a test names a difference at 5%",
        "Pairs of seeds that a claim needs",
        "How often compare --against is right",
    ):
        assert squeezed(heading) in text, heading
    assert _outside(path) == []


def test_long_names_stay_on_the_page(written: Written) -> None:
    long_names = ("without_" * 12, "averyveryverylongwordwithoutanyplacetobreakat" * 2)
    environments = ("ALongEnvironmentIdentifierOfSomebodysOwnPackage-v5", "Walker2d-v5")
    _, path = written(
        SyntheticAblation(variants=long_names, environments=environments, title="Made up " * 12)
    )
    assert _outside(path) == []
    for name in long_names:
        assert squeezed(name) in read(path)


def test_what_is_outside_of_a_page_is_found(tmp_path: Path) -> None:
    import typst

    compiler: Any = typst.compile  # its annotations lack sources from memory
    document = compiler(
        {"main.typ": b'#set page(paper: "a4")\n#place(dx: 18cm, box(width: 9cm)[far outside])'},
        format="pdf",
    )
    path = tmp_path / "wide.pdf"
    path.write_bytes(document)
    assert _outside(path)


def test_the_scale_is_named_where_the_untrained_policy_is_there(tmp_path: Path) -> None:
    write_suite(tmp_path, "untrained", SyntheticRuns(score=untrained_score, seeds=2, episodes=20))
    # The published Experiment has no PPO on Ant-v5.
    write(tmp_path, SyntheticAblation(environments=("Hopper-v5", "Ant-v5")))
    assert report(tmp_path, tmp_path / "report.pdf") == 0
    text = read_all(tmp_path / "report.pdf")
    assert squeezed("(on Ant-v5, where there is none, the control, without)") in text
    assert squeezed("Aggregates over environments") in text


def test_what_is_unlike_is_not_said_to_lack_seeds() -> None:
    cells = (("control", 1000, 10), ("longer", 2000, 10), ("few", 1000, 9))
    frames = make_frames(
        {"variant": name, "budget": budget, "seed": seed, "episodes": [(budget, float(seed))]}
        for name, budget, seeds in cells
        for seed in range(seeds)
    )
    longer, few = (differences := tables.differences(results_of(*frames)))["rows"]
    assert (longer[6], few[6]) == ("unlike", "n < 10")
    unlike = "Unlike: scores that are not the same quantity: 2,000 steps, control has 1,000."
    too_few = "Below 10 pairs nothing is tested and nothing is claimed: too few seeds."
    assert differences["notes"][1:] == [unlike, too_few]
    only_longer = (frame[frame["variant"] != "few"] for frame in frames)
    assert tables.differences(results_of(*only_longer))["notes"][1:] == [unlike]


@pytest.mark.parametrize(("seeds", "option"), [([3], "3"), ([0, 2, 5], "0,2,5"), ([1, 2], "1-2")])
def test_its_command_trains_the_seeds_that_are_there(
    tmp_path: Path, seeds: list[int], option: str
) -> None:
    view = bench.load("made", write(tmp_path, SyntheticAblation(seeds=6)))
    view = dataclasses.replace(view, runs=view.runs[view.runs["seed"].isin(seeds)])
    command = building._command(Results(view=view, source=""))
    assert command == f"python -m bench run --ablation made --seeds {option} --steps 1000"


def test_equal_results_give_equal_bytes(written: Written) -> None:
    results, path = written(SyntheticAblation(seeds=3))
    supplement = path.with_name("report-supplement.pdf")
    before = path.read_bytes(), supplement.read_bytes()
    assert report(results, path) == 0
    assert (path.read_bytes(), supplement.read_bytes()) == before


def test_every_algorithm_that_learns_has_its_objective_typeset() -> None:
    template = Path(bench.__file__).parent / "evidence" / "report" / "objectives.typ"
    typeset = set(re.findall(r"^  (\w+): \$$", template.read_text(), re.MULTILINE))
    assert typeset == set(ALGORITHMS) - {"untrained", "uniform_random"}


def _outside(path: Path) -> list[str]:
    """Texts that begin or end beyond the margin of their page."""
    texts: list[str] = []
    for page in pages(path):
        content = page.get_textpage()
        for number in range(content.count_rects()):
            left, _, right, _ = box = content.get_rect(number)
            if left < 20 or right > page.get_width() - 20:
                texts.append(content.get_text_bounded(*box))
    return texts
