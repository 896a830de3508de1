"""A seed has its bits alone and in any group, under every BLAS kernel that this processor has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_features__ as features

HERE = Path(__file__).parent
PROGRAM = HERE / "seeds_apart.py"
NEEDS = {"Haswell": ("AVX2", "FMA3"), "SkylakeX": ("AVX512_SKX",), "Zen": ("AVX2", "FMA3")}
"""OpenBLAS's kernel -> what a processor must have to run it."""
KERNELS = [
    name for name, needed in NEEDS.items() if all(features.get(feature) for feature in needed)
]
MKL = (None, "AUTO,STRICT")
CASES = [(name, MKL[number % 2]) for number, name in enumerate(KERNELS)]
# Where there is but one kernel, MKL's settings are both tried all the same.
CASES += [
    (None, mkl_setting)
    for mkl_setting in MKL
    if mkl_setting not in {setting for _, setting in CASES}
]


@pytest.mark.parametrize(("kernel", "reproducible"), CASES)
def test_alone_as_in_a_group(kernel: str | None, reproducible: str | None) -> None:
    settings = {"OPENBLAS_CORETYPE": kernel, "MKL_CBWR": reproducible}
    environment = {name: value for name, value in os.environ.items() if name not in settings}
    environment |= {name: value for name, value in settings.items() if value is not None}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (HERE.parents[1], HERE / "answers")))
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["products", "networks", "trained", "sequences"]
