"""The CSV files in this folder, and what an environment is called without its version."""

from __future__ import annotations

from importlib import resources

import pandas as pd


def table(file: str) -> pd.DataFrame:
    """Read a CSV file of this package; a field that the source leaves open is NaN."""
    with resources.files(__package__).joinpath(file).open(encoding="utf-8") as text:
        # Columns kept as text, because they are printed as the source writes them.
        return pd.read_csv(text, dtype={"seeds": str, "value": str})


def family(environment: str) -> str:
    """An environment without its version: "Hopper-v5" and "Hopper-v1" are both "Hopper"."""
    name, separator, version = environment.rpartition("-v")
    return name if separator and version.isdigit() else environment


def version(environment: str) -> str:
    """The version of an environment: "v5"; empty where its name has none."""
    return environment.removeprefix(family(environment)).removeprefix("-")
