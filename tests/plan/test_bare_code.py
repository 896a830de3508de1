"""The text that the digest hashes: what computes is in it, in one form, and nothing else."""

from __future__ import annotations

import glob
import shutil
import subprocess
import sys
from pathlib import Path

import pinned_digests
import pytest

from bench.plan.bare_code import bare_code
from bench.plan.digest import ROOT

PYTHONS = ("3.11", "3.12", "3.13")
"""Those that the digest has to be the same by."""

SYNTAX = """
import typing as t
from math import inf
def generic(x: int = 3, *, y=None, **rest) -> "int":
    '''A docstring.'''
    match x:
        case {"a": [1, *_], **more} if more: return 1j
        case None | True | t.Any(): return ...
    return f"{x}" f'{{a}}' "b" f"{x!r:>{y}}{x:}{x=}" f"c" rf"\\\\d" f"{f'{x:.2f}'}\\N{DIGIT ONE}"
class Box(t.Generic[t.T], metaclass=type):
    size: int; other: float = 1_000.0
    def first(self): return [z for z in self if z] + [u"é", b"é".hex() if 0 else b"", -1e400]
try: x: int = lambda *a: (yield)
except* ValueError as error: raise KeyError(f"{error}", 3) from error
with (open("a") as a, open("b") as b): del a, b
""".replace('b"é".hex() if 0 else ', "")


def text(source: str) -> str:
    code = bare_code(source.encode(), "module.py")
    return code.text(code.used)


def interpreters() -> list[str]:
    """The Pythons of PYTHONS that this machine has, this one among them."""
    pythons = {sys.executable}
    for version in PYTHONS:
        candidates = [shutil.which(f"python{version}")]
        candidates += glob.glob(
            str(Path.home() / f".pyenv/versions/{version}.*/bin/python{version}")
        )
        pythons |= {path for path in candidates if path and _version(path) == version}
    return sorted(pythons)


def _answer(python: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script without any installed package."""
    command = [python, "-S", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _version(python: str) -> str | None:
    """None where it doesn't start: a shim of pyenv stands for versions that aren't chosen, too."""
    script = "import sys; print(*sys.version_info[:2], sep='.')"
    answer = _answer(python, script)
    return answer.stdout.strip() if answer.returncode == 0 else None


def test_every_python_gives_one_digest_with_its_standard_library_alone(tmp_path: Path) -> None:
    (tmp_path / "syntax.py").write_text(SYNTAX)
    script = (
        "import hashlib, json, sys; "
        f"sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]; "
        "from pinned_digests import digests; from bench.plan.bare_code import bare_code; "
        f"code = bare_code(open({str(tmp_path / 'syntax.py')!r}, 'rb').read(), 'syntax.py'); "
        "text = code.text(code.used); assert text.isascii(); "
        "print(json.dumps([digests(), hashlib.sha256(text.encode()).hexdigest()]))"
    )
    outputs = {}
    for python in interpreters():
        answer = _answer(python, script)
        assert answer.returncode == 0, f"{python}: {answer.stderr}"
        outputs[python] = answer.stdout
    assert sys.executable in outputs
    assert len(set(outputs.values())) == 1, outputs


def test_no_digest_moves_unawares() -> None:
    pinned = Path(pinned_digests.__file__).with_name("digests.json")
    assert pinned_digests.text() == pinned.read_text(), (
        "the code that can move a result is not as it was: every stored run of the algorithms that "
        "differ becomes stale. If that is meant, pin the new digests by\n"
        f"    python tests/plan/pinned_digests.py > {pinned.relative_to(ROOT)}"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'''Says.'''\nx = 1", "x = 1"),
        ("def f():\n    '''Says.'''", "def f():\n    pass"),
        ('f"{x}" "a"', 'f"{x}a"'),
        ('x(f"a" "b")', 'x("ab")'),
        ('f"{x:}"', 'f"{x}"'),
        ("u'a'", "'a'"),
        ("raise E('a', x)", "raise E(f'b{y}', x)"),
        ("raise error.given('a', x)", "raise error.given('b', x)"),
        ("e = ValueError('a')", "e = ValueError('b')"),
        ("assert x, 'a'", "assert x"),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", "import b"),
        ("h: int = hyperparameter(1, 'says', low=0)", "h: int = hyperparameter(2, 'tells')"),
        ("a = Algorithm(update=f, title='x')", "a = Algorithm(update=f, equation='y')"),
        ("__all__ = ['a']", "__all__ = ['a', 'b']"),
        ("PAPER = 'a'\nx = 1", "x = 1\nPAPER = 'b'"),
        ("from a import PAPER\nx = 1", "x = 1"),
    ],
)
def test_what_cannot_move_a_result_is_not_in_it(before: str, after: str) -> None:
    assert text(before) == text(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 'None'"),
        ("x = y", "x = 'y'"),
        ('f"{x}"', 'f"{x!r}"'),
        ('f"{x:3}"', 'f"{x:4}"'),
        ("if x:\n    pass\nelse:\n    y()", "if x:\n    y()"),
        ("raise E('a', 1)", "raise E('a', 2)"),
        ("raise E('a')", "raise F('a')"),
        ("return_('a')", "return_('b')"),
        ("assert x", "assert y"),
        ("if CHECKING:\n    import a", "if CHECKING:\n    import b"),
        ("a = Algorithm(update=f)", "a = Algorithm(update=g)"),
        ("IDS = ('a',)", "IDS = ('b',)"),
        ("SOME_IDS = ('a',)", "SOME_IDS = ('b',)"),
        ("MODE = 'a'\nif m == MODE: x()", "MODE = 'b'\nif m == MODE: x()"),
        ("from a import f\nf()", "from b import f\nf()"),
        ("from a import *", "from b import *"),
        ("f(**a)", "f(a)"),
        ("[a, b]", "(a, b)"),
        ("f(a)(b)", "f(a, b)"),
    ],
)
def test_what_can_is(before: str, after: str) -> None:
    assert text(before) != text(after)
