"""A user's own ablation file, whole and broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ablations import ABLATIONS
from ablations.spec import Ablation
from algorithms import ALGORITHMS
from bench.errors import InputError
from bench.plan.lookup import load_ablation, load_algorithm

ROOT = Path(__file__).parents[2]
HEAD = "from ablations.spec import Ablation, Variant\n"
MINE = """ablation = Ablation(name="mine", title="Mine", question="Why?",
    environments=("CartPole-v1",),
    variants=(Variant(name="one", algorithm="baseline"),), control="one", steps=1000)
"""


def load(path: Path, text: str) -> Ablation:
    file = path / "mine.py"
    file.write_text(text)
    return load_ablation(str(file))


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_of_the_suite_loads(name: str) -> None:
    assert load_ablation(name).name == name


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_of_the_suite_loads(name: str) -> None:
    assert load_algorithm(name).name == name


def test_a_file_with_one_ablation(tmp_path: Path) -> None:
    assert load(tmp_path, HEAD + MINE + "again = ablation").name == "mine"


def test_a_file_that_names_one_of_several(tmp_path: Path) -> None:
    other = "import dataclasses\nABLATION = dataclasses.replace(ablation, name='other')"
    assert load(tmp_path, HEAD + MINE + other).name == "other"


def test_a_file_may_define_dataclasses(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + HEAD
        + MINE
        + "@dataclass\nclass Mine:\n    size: int = 1\n"
    )
    assert load(tmp_path, text).name == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "x = (\n", "mine.py, line 2: SyntaxError: '(' was never closed"),
        (HEAD + "\nx = 1 / 0\n", "mine.py, line 3: ZeroDivisionError: division by zero"),
        ("import nothing_of_that_name\n", "mine.py, line 1: ModuleNotFoundError: No module"),
        (HEAD + MINE.replace('"one"', '"two"', 1), "line 2: ValueError: control 'one' of ablation"),
        (HEAD + "raise SystemExit('stop')", "mine.py, line 2: SystemExit: stop"),
        (HEAD + "open('/nothing/here')", "mine.py, line 2: FileNotFoundError:"),
        (HEAD, "exactly one Ablation, or call one ABLATION; it defines none"),
        (
            HEAD + MINE + "import dataclasses\ntwo = dataclasses.replace(ablation, name='two')",
            "it defines mine, two",
        ),
    ],
)
def test_a_broken_file_is_named_with_line_and_reason(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "mine.py") in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.py can't be read: No such file"):
        load_ablation(str(tmp_path / "nothing.py"))


def test_a_file_may_not_take_a_name_of_the_suite(tmp_path: Path) -> None:
    name = next(iter(ABLATIONS))
    with pytest.raises(InputError, match=f"takes the name '{name}'"):
        load(tmp_path, HEAD + MINE.replace('"mine"', repr(name)))


def test_looking_up_imports_nothing_heavy() -> None:
    """The trainer imports it, and with it what every worker starts with."""
    script = (
        "import sys, bench.plan.lookup; "
        "heavy = ('torch', 'numpy', 'pandas', 'pyarrow', 'bench.train', 'bench.store'); "
        "print([each for each in heavy if each in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert answer.stdout.strip() == "[]"


def test_unknown_names() -> None:
    with pytest.raises(InputError, match="unknown ablation 'nothing'"):
        load_ablation("nothing")
    with pytest.raises(InputError, match="Did you mean 'clipped_ppo'"):
        load_algorithm("cliped_ppo")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise BaseException('no\\nway')", "line 3: BaseException: no"),
        ("raise SystemExit", "line 3: SystemExit"),
        ("raise GeneratorExit", "line 3: GeneratorExit"),
        ("def f(): return f()\nf()", "RecursionError: maximum recursion depth exceeded"),
        (
            "class Odd(Exception):\n    def __str__(self): raise RuntimeError\nraise Odd",
            "line 5: Odd",
        ),
        ("ABLATION = 5", "must define exactly one Ablation, or call one ABLATION; it defines none"),
        (
            "class Own(Ablation):\n"
            "    @property\n    def held_out(self): raise RuntimeError('boom')\n"
            "    @held_out.setter\n    def held_out(self, value): pass\n"
            "ABLATION = Own(**ASKED)",
            "RuntimeError: boom",
        ),
        (
            "ABLATION = Ablation(**{**ASKED, 'title': '\\ud800'})",
            "title of ablation 'q' holds U",
        ),
    ],
)
def test_a_file_that_raises_whatever_it_may_is_one_line(
    code: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from ablations.spec import Ablation, Variant\n"
        "ASKED = dict(name='q', title='T', question='Why?', environments=('Hopper-v5',), "
        "variants=(Variant(name='a', algorithm='cem'),), control='a', steps=1)\n" + code
    )
    with pytest.raises(InputError) as caught:
        load_ablation(str(file))
    line = str(caught.value)
    assert line.startswith(f"ablation file {file}") and message in line
    assert "\n" not in line


def test_what_pretends_a_class_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from ablations.spec import Ablation, Variant\n"
        "class Pretending:\n    @property\n    def __class__(self): raise RuntimeError\n"
        "other = Pretending()\n"
        "mine = Ablation(name='q', title='T', question='Why?', environments=('Hopper-v5',), "
        "variants=(Variant(name='a', algorithm='cem'),), control='a', steps=1)\n"
    )
    assert load_ablation(str(file)).name == "q"
