"""Rows of the CSV files in this folder, and what an environment is called without its version."""

from __future__ import annotations

import csv
import math
from importlib import resources


def rows(file: str) -> list[dict[str, str]]:
    """The rows of a CSV file of this package, as column -> text."""
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def number(text: str) -> float:
    """The number in a field; NaN for an empty one, which the source leaves open."""
    return float(text) if text.strip() else math.nan


def family(environment: str) -> str:
    """An environment without its version: "Hopper-v5" and "Hopper-v1" are both "Hopper"."""
    name, separator, version = environment.rpartition("-v")
    return name if separator and version.isdigit() else environment


def version(environment: str) -> str:
    """The version of an environment: "v5"; empty where its name has none."""
    return environment.removeprefix(family(environment)).removeprefix("-")
