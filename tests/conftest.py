"""A skipped test counts as failed: what a run is meant to execute, it executes.

This file being here also puts the repository root onto the module path, for `tests.reference`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

# Before anything loads torch: what a worker has, the tests in this process have too.
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import hypothesis
import pytest
import torch

# What is started in a shell's background ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def less_waiting(request: pytest.FixtureRequest) -> Iterator[None]:
    """Commands share their workers, and no write waits for the disk, as no test pulls the plug.

    Benchmarks, of other commits too, have what they had.
    """
    if all(item.get_closest_marker("benchmarks") for item in request.session.items):
        yield
        return
    from tests.warm_workers import shared

    with shared(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def same_module_path() -> Iterator[None]:
    """The folder of an ablation's file, which loading it adds, is gone after its test."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """A test that draws from torch's own generator draws the same every time, in any order."""
    torch.manual_seed(0)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
