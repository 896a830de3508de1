"""A plugin is loaded, or named with the reason why it can't be."""

from __future__ import annotations

import pytest

from bench.errors import InputError
from bench.plan.lookup import load_algorithm
from bench.plan.plan import make_plan
from bench.plan.side_by_side import side_by_side

GROUP = "ppo_ladder.algorithms"


def test_by_address_and_by_short_name(install) -> None:
    install("good_a", entry_points={GROUP: {"short": "good_a.algorithm:ALGORITHM"}})
    assert load_algorithm("good_a.algorithm:ALGORITHM").title == "Mine"
    assert load_algorithm("short") is load_algorithm("good_a.algorithm:ALGORITHM")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "\nx = 1 / 0\n",
            "can't be imported: ZeroDivisionError: division by zero (algorithm.py:2)",
        ),
        ("raise BaseException('no')", "can't be imported: BaseException: no (algorithm.py:1)"),
        ("raise SystemExit('no GPU')", "can't be imported: SystemExit: no GPU (algorithm.py:1)"),
        ("x = (\n", "can't be imported: SyntaxError: '(' was never closed (algorithm.py:1)"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of"),
        ("from bad_a.losses import no", "ImportError: cannot import name 'no' from 'bad_a.losses'"),
        ("ALGORITHM = print", "is no Algorithm but of type builtin_function_or_method"),
        (
            "from algorithms.ladder.kl_ppo import ALGORITHM as OTHER",
            "unknown algorithm in bad_a.algorithm 'ALGORITHM'. Allowed: O",
        ),
        (
            "from dataclasses import replace\nfrom algorithms.ladder.kl_ppo import ALGORITHM\n"
            "ALGORITHM = replace(ALGORITHM, hyperparameters=dict)",
            "its hyperparameters are no class derived from Hyperparameters",
        ),
        (
            "from algorithms.ladder.kl_ppo import ALGORITHM",
            "takes the name 'kl_ppo', which is an algorithm of the suite; give yours another",
        ),
    ],
)
def test_a_bad_plugin_is_named_with_the_reason(install, code: str, message: str) -> None:
    install("bad_a", {"algorithm.py": code})
    with pytest.raises(InputError) as caught:
        load_algorithm("bad_a.algorithm:ALGORITHM")
    assert "bad_a.algorithm" in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plugin_that_is_not_there() -> None:
    with pytest.raises(InputError, match="'not_there' of the algorithm plugin .* PYTHONPATH"):
        load_algorithm("not_there.algorithm:ALGORITHM")


def test_what_no_other_process_can_import() -> None:
    with pytest.raises(InputError, match="put it into a file"):
        load_algorithm("__main__:ALGORITHM")


def test_declarations_that_no_file_holds_are_refused_by_the_plan(install) -> None:
    install(
        "unwritten",
        {
            "algorithm.py": "from dataclasses import replace\n"
            "from algorithms.ladder.kl_ppo import ALGORITHM as NEIGHBOUR\n"
            'ALGORITHM = replace(NEIGHBOUR, name="mine", title="Mine", equation="\\ud800")\n'
        },
    )
    ablation = side_by_side(["unwritten.algorithm:ALGORITHM"], ["Hopper-v5"])
    with pytest.raises(InputError, match=r"'unwritten.algorithm:ALGORITHM' can't be stored"):
        make_plan(ablation, back_end_of=lambda environment: "envpool")
