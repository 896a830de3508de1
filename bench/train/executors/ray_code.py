"""Gather the code that is sent to other machines: the suite's packages, a plan's own modules."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from bench.plan.digest import ROOT, Trainable, closure, own_modules
from bench.plan.sources import SUITE, plugin_of

LEFT_OUT = ("__pycache__", "*.pyc", ".*")


def gather(folder: Path, descriptions: Iterable[Trainable]) -> None:
    """Copy into `folder` the code that trains these descriptions, as it lies on the module path.

    For a user's own algorithm or environment, that is its whole package, including data beside the
    code, and all it imports from its folder: what the code digest covers. Packages that are
    installed as libraries are not copied; the other machines must have them installed too.

    Raises:
        FileNotFoundError: a module's source can't be found.
    """
    for package in SUITE:
        _copy(ROOT / package, folder)
    for module in {module for description in descriptions for module in own_modules(description)}:
        plugin = plugin_of(module)
        if plugin.package is None:
            modules = closure([module], ROOT, (plugin,))
            for top_level in {name.partition(".")[0] for name in modules} - set(SUITE):
                path = plugin.folder / top_level
                _copy(path if path.is_dir() else path.with_suffix(".py"), folder)


def _copy(source: Path, folder: Path) -> None:
    target = folder / source.name
    if source.is_dir():
        ignored = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)
