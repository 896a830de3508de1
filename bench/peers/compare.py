"""Training speed beside Stable-Baselines3's PPO, interleaved in one go on one core.

    python -m bench.peers.compare --peer-python PATH [--core N] [--rounds N] [--env ID]

PATH is the interpreter of an environment that has stable-baselines3 and gymnasium[mujoco].
Every process has one thread and is pinned to the same core; rounds alternate between the
two, so that a machine that drifts slows both; the medians and their spread are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from bench.train.runner import WORKER_ENVIRONMENT

_SCRIPTS = Path(__file__).parent


def measure(python: str, script: str, core: int, arguments: list[str]) -> float:
    """Environment steps per second of one run of `script`.

    Raises:
        RuntimeError: the script failed; with what it said last.
    """
    mine = python == sys.executable
    surroundings = {name: value for name, value in WORKER_ENVIRONMENT.items() if value == "1"}
    if mine:
        surroundings = WORKER_ENVIRONMENT | {"PYTHONPATH": str(_SCRIPTS.parents[1])}
    done = subprocess.run(
        ["taskset", "-c", str(core), python, "-W", "ignore", str(_SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **surroundings},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{python} {script} failed: {done.stderr.strip()[-500:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["steps_per_second"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--updates", type=int, default=6)
    parser.add_argument("--env", default="HalfCheetah-v5")
    options = parser.parse_args()
    mine, peer = sys.executable, options.peer_python
    updates = str(options.updates)
    rivals = {
        f"clipped_ppo, {options.seeds} seeds at once": (
            mine,
            "clipped_ppo.py",
            [options.env, str(options.seeds), updates],
        ),
        "Stable-Baselines3 PPO, 1 environment": (
            peer,
            "stable_baselines3_ppo.py",
            [options.env, "1", updates],
        ),
        "Stable-Baselines3 PPO, 8 environments": (
            peer,
            "stable_baselines3_ppo.py",
            [options.env, "8", updates],
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(options.rounds):
        for name, (python, script, arguments) in rivals.items():
            rates[name].append(measure(python, script, options.core, arguments))
    ours = next(iter(rivals))
    print(f"{options.env}, one core, one thread, {options.rounds} interleaved rounds")
    for name, values in rates.items():
        ratios = [a / b for a, b in zip(rates[ours], values, strict=True)]
        print(
            f"{name:42s} {statistics.median(values):8,.0f} steps/s "
            f"({min(values):,.0f} to {max(values):,.0f}); ours is "
            f"{statistics.median(ratios):.1f} times it ({min(ratios):.1f} to {max(ratios):.1f})"
        )


if __name__ == "__main__":
    main()
