"""Whatever a file holds, it is a curve or refused in one line."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from bench.errors import InputError
from bench.importing import Curve, read_curves

CASES = Path(__file__).parent / "cases"
FILES = sorted(path for path in CASES.rglob("*") if path.is_file())
TOKENS: Final = [
    *(b"nan", b"inf", b"-1", b"1e400", b"9" * 5000, b"18446744073709551616", b"2147483648", b""),
    *(b'"', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"{", b"[" * 3000, b"# {"),
    *(b"null", b"true", b"0", b"seed", b"env_id", b" - ", b'"t_start": 1e300', b"1.5", b"-0"),
]


def damaged(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5))):
        start = draw.randrange(len(changed) + 1)
        end = min(len(changed), start + draw.choice((0, 1, 4, 40)))
        damage = draw.randrange(4)
        if damage == 0:
            changed[start:end] = draw.choice(TOKENS)
        elif damage == 1:
            del changed[start:]
        elif damage == 2:
            changed[start:start] = changed[: draw.randrange(200)]
        else:
            lines = bytes(changed).split(b"\n")
            fields = lines[draw.randrange(len(lines))].split(b",")
            fields[draw.randrange(len(fields))] = draw.choice(TOKENS)
            lines[draw.randrange(len(lines))] = b",".join(fields)
            changed = bytearray(b"\n".join(lines))
    return bytes(changed)


def assert_usable(curve: Curve) -> None:
    assert curve.step[0] >= 1 and (np.diff(curve.step) >= 0).all()
    assert np.isfinite(curve.returns).all() and not np.isinf(curve.seconds).any()
    assert ((curve.length >= 0) & (curve.length < 2**31)).all()
    assert "\n" not in "".join(curve.remarks)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_damaged_file_is_a_curve_or_refused(path: Path, tmp_path: Path) -> None:
    draw = random.Random(path.name)
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        copy = tmp_path / str(number) / path.name
        copy.write_bytes(damaged(path.read_bytes(), draw))
        for name in (copy, copy.parent):
            message = ""
            try:
                for curve in read_curves([str(name)]):
                    assert_usable(curve)
            except InputError as error:
                message = str(error)
            assert "\n" not in message


def test_names_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "monitor.csv").mkdir()
    for name, message in (
        (tmp_path / "monitor.csv", "holds nothing that can be read"),
        (tmp_path / ("x" * 300), "can't be read: File name too long"),
        (tmp_path / "none.csv", "can't be read: No such file or directory"),
        ("/dev/null", "/dev/null is no file"),
    ):
        with pytest.raises(InputError) as caught:
            read_curves([str(name)])
        assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_row_that_is_cut_off_in_the_middle_is_left_out(tmp_path: Path) -> None:
    """It would be an episode of another length, and shift all that follow."""
    path = tmp_path / "monitor.csv"
    path.write_text('#{"t_start": 1000.0}\nr,l,t\n1,100,1\n2,1\n3,100,3\n4,100,4\n')
    (curve,) = read_curves([str(path)])
    assert list(curve.step) == [100, 200, 300]
    assert list(curve.returns) == [1.0, 3.0, 4.0]
    assert any("cut off in the middle" in remark for remark in curve.remarks)


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("step,return,return\n100,1,2\n200,3,4\n")
    with pytest.raises(InputError, match="2 columns are called 'return'"):
        read_curves([str(path)])
