"""`doctor`: what is installed, what works, and what is wrong."""

from __future__ import annotations

import typer

from bench.cli.json_output import JsonOption, answering


def doctor(as_json: JsonOption = False) -> None:
    """Show versions, devices, back ends, threads and results, and what is wrong with them."""
    with answering(as_json) as answer:
        answer["warnings"] = _examine(answer)
        for warning in answer["warnings"]:
            print(f"warning: {warning}")
        if answer["warnings"]:
            raise typer.Exit(1)
        print("All is well.")


def _examine(answer: dict[str, object]) -> list[str]:
    """Print the state of the installation, add it to the answer, and return warnings."""
    from bench.store import PUBLISHED, Store, results_folder
    from bench.train.environments.catalogue import ON_HOST
    from bench.train.provenance import provenance

    origin = provenance()
    warnings: list[str] = []
    answer |= {"versions": origin.versions, "commit": origin.commit, "machine": origin.machine}
    for name, version in origin.versions.items():
        print(f"{name:<12}{version or 'missing'}")
        if version is None:
            warnings.append(f"{name} is not installed")
    changed = " with changes" if origin.dirty else ""
    print(f"{'commit':<12}{origin.commit[:12] + changed if origin.commit else 'no repository'}")
    for name, value in origin.machine.items():
        print(f"{name:<12}{value}{' GiB' if name == 'memory' else ''}")
    try:
        print(f"{'devices':<12}{_devices()}")
    except Exception as error:
        warnings.append(f"torch can't be used: {type(error).__name__}: {error}")
    for back_end in ON_HOST:
        try:
            print(f"{back_end:<12}{_step(back_end)}")
        except Exception as error:
            print(f"{back_end:<12}broken")
            warnings.append(f"back end {back_end} can't be used: {type(error).__name__}: {error}")
    print(f"{'warp':<12}{_warp()}")
    for name, path in (("local", results_folder()), ("published", PUBLISHED)):
        store = Store(path)
        try:
            statuses = store.runs()["status"].value_counts().to_dict()
            answer[name] = {"path": str(path), "runs": statuses}
            summary = ", ".join(f"{number} {status}" for status, number in statuses.items())
            print(f"{name:<12}{path}: {summary or 'no runs'}")
        except Exception as error:
            warnings.append(f"results in {path} can't be read: {error}")
        warnings += store.problems
    return warnings


def _devices() -> str:
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    threads = f"a worker uses 1 of {torch.get_num_threads()} torch threads"
    return f"{', '.join(['cpu', *(f'cuda: {name}' for name in gpus)])} ({threads})"


def _warp() -> str:
    """Say whether MuJoCo Warp is installed; it is needed only on a machine with a GPU."""
    import importlib.util

    if importlib.util.find_spec("mujoco_warp") is None:
        return "not installed; on a machine with a GPU: pip install -e '.[warp]'"
    return "installed; used with --device cuda"


def _step(back_end: str) -> str:
    """Take one step, as training does."""
    import numpy as np

    from bench.train.environments import make

    environments = make("CartPole-v1", [0], 1, back_end=back_end)
    try:
        environments.reset()
        step = environments.step(np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.bool_))
    finally:
        environments.close()
    return f"works (one step of CartPole-v1, reward {step.rewards[0]:g})"
