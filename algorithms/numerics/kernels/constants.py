"""Numbers in float32: a Python number would make the kernels' arithmetic float64."""

from __future__ import annotations

from typing import Final

import numpy as np

ZERO: Final = np.float32(0)
HALF: Final = np.float32(0.5)
ONE: Final = np.float32(1)
TWO: Final = np.float32(2)
