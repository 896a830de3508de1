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
from bench.plan.back_ends import BACK_ENDS  # noqa: E402
from bench.plan.digest import source_digest  # noqa: E402
from bench.plan.identity import Description  # noqa: E402


def back_ends(takes: str) -> list[str]:
    """Those that step on a CPU by single actions, or by whole answers."""
    rows = BACK_ENDS.values()
    return sorted(
        back_end.name for back_end in rows if "cpu" in back_end.devices and back_end.takes == takes
    )


def digests() -> dict[str, dict[str, str]]:
    """Algorithm -> back end -> digest."""
    by_algorithm: dict[str, dict[str, str]] = {}
    for algorithm in ALGORITHMS:
        for back_end in back_ends("answers" if algorithm in SEQUENCE_ALGORITHMS else "actions"):
            description = Description(
                algorithm=algorithm,
                hyperparameters={},
                environment="",
                steps=1,
                back_end=back_end,
            )
            by_algorithm.setdefault(algorithm, {})[back_end] = source_digest(description)
    return by_algorithm


def text() -> str:
    """The content of the file of pinned digests."""
    return json.dumps(digests(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
