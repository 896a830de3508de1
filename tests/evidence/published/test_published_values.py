"""The published values are the documented ones, and their names are those of the ablations."""

from __future__ import annotations

import math
import tomllib

import pytest

from bench.evidence.published import figure_3, returns_1m, table_1
from bench.evidence.published.rows import family, version
from bench.plan.digest import ROOT
from bench.plan.lookup import load_ablation


@pytest.mark.parametrize(
    ("environment", "algorithm", "final", "last", "maximum"),
    [
        ("HalfCheetah-v1", "PPO (Clip)", 1828, 1811, 1833),
        ("HalfCheetah-v1", "CEM", -356, -397, -350),
        ("Hopper-v1", "Vanilla PG, Adaptive", 2321, 2152, 2325),
        ("InvertedDoublePendulum-v1", "TRPO", 185, 185, 185),
        ("InvertedPendulum-v1", "A2C", 999, 999, 999),
        ("Swimmer-v1", "TRPO", 121.9, 120.7, None),
        ("Walker2d-v1", "A2C + Trust Region", 670, 687, 708),
    ],
)
def test_figure_3_at_spots(
    environment: str, algorithm: str, final: float, last: float, maximum: float | None
) -> None:
    (match,) = (
        row
        for row in figure_3.curve_ends().itertuples()
        if (row.environment, row.algorithm) == (environment, algorithm)
    )
    assert (match.final, match.last_10_percent) == (final, last)
    assert math.isnan(match.maximum) if maximum is None else match.maximum == maximum


def test_figure_3_is_whole_and_in_its_order() -> None:
    ends = figure_3.curve_ends()
    assert len(ends) == 42
    families = ends["environment"].map(family)
    environments = list(families.unique())
    assert environments == list(figure_3.ACCURACY) == list(figure_3.AXES)
    assert set(ends["environment"].map(version)) == {figure_3.VERSION}
    for environment in environments:
        assert set(ends["algorithm"][families == environment]) == set(figure_3.LEGEND.values())


def test_figure_3_s_names_are_those_of_the_experiment() -> None:
    experiment = load_ablation("experiment")
    titles = {variant.name: variant.title for variant in experiment.variants}
    assert list(titles.items()) == list(figure_3.LEGEND.items())
    assert list(map(family, experiment.environments)) == list(figure_3.ACCURACY)
    assert experiment.steps == figure_3.STEPS


def test_what_could_not_be_read_is_not_there() -> None:
    readable = figure_3.last_10_percent("InvertedDoublePendulum-v5")
    assert set(figure_3.LEGEND) - set(readable) == {"adaptive_policy_gradient"}
    assert figure_3.last_10_percent("Swimmer-v5")["cem"] == 8.1
    assert figure_3.last_10_percent("Ant-v5") == {}


def test_figure_3_s_accuracy_is_the_documented_one() -> None:
    assert dict(figure_3.ACCURACY) == {
        "HalfCheetah": 10,
        "Hopper": 10,
        "InvertedDoublePendulum": 31,
        "InvertedPendulum": 3.6,
        "Reacher": 0.4,
        "Swimmer": 0.5,
        "Walker2d": 13,
    }


def test_table_1_has_the_variants_of_the_surrogates() -> None:
    scores = table_1.average_scores()
    assert list(scores) == [variant.name for variant in load_ablation("surrogates").variants]
    assert list(scores.values()) == [
        *(-0.39, 0.76, 0.82, 0.70),
        *(0.68, 0.74, 0.71),
        *(0.62, 0.71, 0.72, 0.69),
    ]


def test_returns_at_1m_steps_at_spots() -> None:
    sources = returns_1m.sources()
    assert len(sources) == 13
    baselines = next(source for source in sources if "ppo2" in source.source)
    assert (baselines.algorithm, baselines.environment_version, baselines.seeds) == (
        "PPO",
        "v2",
        "6",
    )
    assert baselines.returns["HalfCheetah"] == 1668.6 and baselines.returns["Reacher"] == -6.71
    assert "Ant" not in baselines.returns and not baselines.of_last_100
    cleanrl = next(source for source in sources if source.source.startswith("CleanRL docs"))
    assert cleanrl.returns["Walker2d"] == 2288.0 and cleanrl.of_last_100
    assert {source.algorithm for source in sources} >= set(returns_1m.ALGORITHMS.values())
    # The digitised figure stands in both files.
    (figure,) = (source for source in sources if "Figure 3" in source.source)
    for environment in figure_3.ACCURACY:
        assert figure.returns[environment] == figure_3.last_10_percent(environment)["clipped_ppo"]


@pytest.mark.parametrize(
    ("environment", "name", "number_of"),
    [
        ("Hopper-v5", "Hopper", "v5"),
        ("module:My-Own-v12", "module:My-Own", "v12"),
        ("Plain", "Plain", ""),
        ("Odd-vase", "Odd-vase", ""),
    ],
)
def test_family_and_version(environment: str, name: str, number_of: str) -> None:
    assert (family(environment), version(environment)) == (name, number_of)


def test_the_files_ship_with_their_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = project["tool"]["setuptools"]["package-data"]
    files = [path for path in (ROOT / "bench" / "evidence").rglob("*.*") if path.is_file()]
    data = {path.relative_to(ROOT) for path in files if not path.suffix.startswith(".py")}
    assert {".bib", ".css", ".csv", ".typ"} == {path.suffix for path in data}
    for file in data:
        assert f"*{file.suffix}" in packed[".".join(file.parent.parts)]
