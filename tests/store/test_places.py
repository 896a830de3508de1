"""Where results are looked for: where one works, where a variable says, or in the named folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import InputError
from bench.store import PUBLISHED, Store, result_folders, results_folder

ROOT = Path(__file__).parents[2]


def test_one_s_own_lie_where_one_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PPO_LADDER_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert results_folder() == tmp_path / "results" / "local"
    assert not Store(results_folder()).read_only
    monkeypatch.setenv("PPO_LADDER_RESULTS", "elsewhere")
    assert result_folders(None) == [tmp_path / "elsewhere", PUBLISHED]
    assert not (tmp_path / "elsewhere").exists()


def test_the_published_come_with_the_checkout() -> None:
    assert PUBLISHED == ROOT / "results" / "published"
    assert Store(PUBLISHED).read_only


def test_a_named_folder_is_the_only_one(tmp_path: Path) -> None:
    assert result_folders(tmp_path) == [tmp_path]
    with pytest.raises(InputError, match="nowhere does not exist"):
        result_folders(tmp_path / "nowhere")
