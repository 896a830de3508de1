"""The digest of the code of every algorithm on every back end of a CPU, as JSON.

    python tests/plan/pinned_digests.py > tests/plan/digests.json

pins them anew. It needs no more than the standard library, whichever Python runs it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from algorithms import ALGORITHMS, SEQUENCE_ALGORITHMS  # noqa: E402
from bench.plan.digest import BACK_END, source_digest  # noqa: E402
from bench.plan.identity import Description  # noqa: E402
from bench.plan.trainers import SEQUENCE  # noqa: E402

OF_A_GPU = "warp"


def back_ends() -> list[str]:
    """Those that step environments by actions on a CPU."""
    before, after = BACK_END.rpartition(".")[2].split("{}")
    files = ROOT.joinpath(*BACK_END.split(".")[:-1]).glob(f"{before}*{after}.py")
    names = {path.stem.removeprefix(before).removesuffix(after) for path in files}
    return sorted(names - {OF_A_GPU, SEQUENCE})


def digests() -> dict[str, dict[str, str]]:
    """Algorithm -> back end -> digest."""
    found: dict[str, dict[str, str]] = {}
    for algorithm in ALGORITHMS:
        for back_end in [SEQUENCE] if algorithm in SEQUENCE_ALGORITHMS else back_ends():
            description = Description(
                algorithm=algorithm,
                hyperparameters={},
                environment="",
                steps=1,
                back_end=back_end,
            )
            found.setdefault(algorithm, {})[back_end] = source_digest(description)
    return found


def text() -> str:
    """The content of the file of pinned digests."""
    return json.dumps(digests(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
