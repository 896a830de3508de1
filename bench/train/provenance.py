"""Provenance of results: code, versions, machine. Stored beside a run, never part of its id."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from bench.plan.back_ends import BACK_ENDS

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = (
    *("torch", "numpy", "scipy", "numba", "llvmlite"),
    *("gymnasium", "mujoco", "envpool", "pyarrow"),
)
CPUINFO = Path("/proc/cpuinfo")
MAPS = Path("/proc/self/maps")
KERNEL_NAMES = tuple(
    f"{vendor}openblas_get_corename{width}" for vendor in ("scipy_", "") for width in ("64_", "")
)
"""Names of OpenBLAS's function that returns its kernel's name; which one depends on the build."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The state of this checkout and this machine.

    Attributes:
        commit: the repository's commit, None outside of one.
        dirty: whether tracked files differ from the commit, or untracked ones exist that are not
            ignored; None outside of a repository.
        versions: of Python and the libraries, with local parts like +cpu; None if not installed.
        machine: processor and its model, cores that may be used, memory [GiB] and system; "blas",
            numpy's BLAS with its kernel here, and "llvm", LLVM's name of the processor: both
            choose instructions, and with them last bits.
    """

    commit: str | None
    dirty: bool | None
    versions: Mapping[str, str | None]
    machine: Mapping[str, object]


def provenance(root: Path = ROOT) -> Provenance:
    """Return the provenance of runs by this process, with the code under `root`."""
    from llvmlite import binding as llvm

    repository = _git(root, "rev-parse", "--show-toplevel")
    # An installed copy may lie inside somebody else's repository.
    is_root = repository is not None and Path(repository).resolve() == root.resolve()
    status = _git(root, "status", "--porcelain") if is_root else None
    cpu = _cpuinfo()
    return Provenance(
        commit=_git(root, "rev-parse", "HEAD") if is_root else None,
        dirty=None if status is None else bool(status),
        versions=versions(),
        machine={
            "processor": cpu.get("model name") or platform.processor() or platform.machine(),
            "model": processor_model(cpu),
            "cores": cores(),
            "memory": _memory(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "blas": _blas(),
            "llvm": llvm.get_host_cpu_name(),
        },
    )


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the libraries that results depend on."""
    python: dict[str, str | None] = {"python": platform.python_version()}
    return python | {name: _version(name) for name in DISTRIBUTIONS}


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def on_device(origin: Provenance, back_end: str, device: str) -> Provenance:
    """Add what only runs of this back end and device depend on: Warp's versions, the GPU's name.

    Other runs don't carry these, so that they equal those of a machine without a GPU.
    """
    missing = [name for name in BACK_ENDS[back_end].distributions if name not in origin.versions]
    if missing:
        extra = {name: _version(name) for name in missing}
        origin = replace(origin, versions={**origin.versions, **extra})
    if device != "cpu":
        import torch

        machine = {**origin.machine, "gpu": torch.cuda.get_device_name(device)}
        origin = replace(origin, machine=machine)
    return origin


def cores() -> int:
    """Number of cores that this process may use, by its affinity and a container's quota."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(available or 1, int(quota) // int(period)))
    except (OSError, ValueError):
        return available or 1


def _git(root: Path, *arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()


def processor_model(cpuinfo: Mapping[str, str] | None = None) -> str | None:
    """Return family, model and vectors, which decide last bits; a processor's name does not."""
    cpuinfo = _cpuinfo() if cpuinfo is None else cpuinfo
    if not {"cpu family", "model", "flags"} <= cpuinfo.keys():
        return None
    flags = cpuinfo["flags"].split()
    vectors = next((flag for flag in ("avx512f", "avx2", "avx") if flag in flags), "sse")
    return f"family {cpuinfo['cpu family']}, model {cpuinfo['model']}, {vectors}"


def _cpuinfo() -> dict[str, str]:
    """Return the first core's entries in /proc/cpuinfo; empty on other systems than Linux."""
    try:
        first_core = CPUINFO.read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first_core.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _blas() -> str:
    import numpy

    build = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    name = f"{build.get('name')} {build.get('version')}"
    kernel = _blas_kernel() or os.environ.get("OPENBLAS_CORETYPE")
    return f"{name}, {kernel}" if kernel else name


def _blas_kernel() -> str | None:
    """Return the kernel's name in the OpenBLAS that numpy has loaded; None if it is not known."""
    try:
        loaded = {line.split()[-1] for line in MAPS.read_text().splitlines() if "openblas" in line}
        libraries = [ctypes.CDLL(path) for path in sorted(loaded) if "numpy" in path]
    except OSError:
        return None
    for library in libraries:
        for name in KERNEL_NAMES:
            if hasattr(library, name):
                function = getattr(library, name)
                function.restype = ctypes.c_char_p
                return str(function(), "ascii")
    return None


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (OSError, ValueError):
        return None
