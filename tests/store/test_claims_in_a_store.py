"""Claims: one process at a time, whoever is killed, silent or slow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.errors import InputError
from bench.plan.digest import ROOT
from bench.store import claims
from bench.store.claims import SILENCE, Claims


def test_a_name_is_one_process_s_until_it_is_given_back(tmp_path: Path) -> None:
    owner, rival = Claims(tmp_path), Claims(tmp_path)
    assert owner.take("aa")
    assert owner.take("aa")
    assert not rival.take("aa")
    assert owner.holds("aa")
    assert not rival.holds("aa")
    assert rival.take("bb")
    rival.free("aa")  # not its own
    assert owner.holds("aa")
    owner.free("aa")
    assert rival.take("aa")
    owner.end()
    rival.end()
    assert list((tmp_path / "claims").iterdir()) == []


def test_what_a_dead_process_held_is_free_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bench.store.claims import Claims; "
        "c = Claims(Path(sys.argv[1])); c.take('aa'); c.take_part(3); "
        "print('ready', flush=True); sys.stdin.read()"
    )
    here = Claims(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        assert not here.take("aa")
        assert here.other_places() == 3
        owner.kill()
    assert here.take("aa")
    assert here.other_places() == 0


def test_a_process_takes_part_while_another_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ends removes the folder of those who take part if it is empty, at any moment."""
    make, made = Path.mkdir, []

    def mkdir(path: Path, *arguments: int, **options: bool) -> None:
        make(path, *arguments, **options)
        if path.name == claims.TAKING_PART and not made:
            path.rmdir()
            made.append(path)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    here = Claims(tmp_path)
    here.take_part(2)
    assert Claims(tmp_path).other_places() == 2
    here.end()


def test_in_a_folder_that_one_may_only_read_the_others_count_as_alive(
    tmp_path: Path, elsewhere: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError

    here = Claims(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(claims.tempfile, "NamedTemporaryFile", refuse)
        assert here.notices() == [""]
    silent(tmp_path, SILENCE)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert here.notices() == []


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Claims:
    """The claims of a process on another machine, of which only files are seen."""
    with monkeypatch.context() as patch:
        patch.setattr(claims, "machine", lambda: "01234567")
        owner = Claims(tmp_path)
        assert owner.take("aa")
        owner.take_part(2)
    return owner


def silent(folder: Path, seconds: float) -> None:
    for path in folder.glob("claims/*/*"):
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))


def test_on_another_machine_a_process_lives_as_long_as_its_heart_beats(
    tmp_path: Path, elsewhere: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Claims(tmp_path)
    # The clock of this machine doesn't matter, the file system's does.
    monkeypatch.setattr(time, "time", lambda: 0.0)
    silent(tmp_path, SILENCE - 20)
    assert not here.take("aa")
    assert here.other_places() == 2
    silent(tmp_path, 30)
    assert here.other_places() == 0
    assert here.take("aa")
    with monkeypatch.context() as patch:
        patch.setattr(claims, "machine", lambda: "01234567")
        assert not elsewhere.holds("aa")
        # A slow owner that comes back gives back what isn't its own any more.
        elsewhere.end()
    assert here.holds("aa")


def test_a_heart_beats_while_names_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "HEARTBEAT", 0.01)
    here = Claims(tmp_path)
    here.take("aa")
    silent(tmp_path, 1000)
    (path,) = tmp_path.glob("claims/aa/*")
    before = path.stat().st_mtime
    deadline = time.monotonic() + 60
    while path.stat().st_mtime == before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    here.end()


def test_of_many_that_take_over_a_dead_owner_s_name_one_gets_it(tmp_path: Path) -> None:
    for number in range(30):
        folder = tmp_path / str(number)
        dead = folder / "claims" / "aa" / "01234567-1-2-aaaaaaaa"
        dead.parent.mkdir(parents=True)
        dead.touch()
        os.utime(dead, (0, 0))
        rivals = [Claims(folder) for _ in range(6)]
        outcomes: list[bool] = []
        start = threading.Barrier(len(rivals))

        def take(
            rival: Claims, start: threading.Barrier = start, outcomes: list[bool] = outcomes
        ) -> None:
            start.wait()
            outcomes.append(rival.take("aa"))

        threads = [threading.Thread(target=take, args=(rival,)) for rival in rivals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count(True) == 1
        assert sum(rival.holds("aa") for rival in rivals) == 1


def test_short_work_waits_for_its_turn_and_gives_up_on_a_stuck_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Claims(tmp_path), Claims(tmp_path)
    order = []

    def work() -> None:
        with other.held("aa"):
            order.append("other")

    with one.held("aa"), one.held("aa"):
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.05)
        order.append("one")
    thread.join()
    assert order == ["one", "other"]
    monkeypatch.setattr(claims, "PATIENCE", 0.0)
    with one.held("aa"), pytest.raises(InputError, match="another process holds .*claims/aa"):
        other.held("aa").__enter__()


def test_short_work_has_a_heart_that_beats_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "HEARTBEAT", 0.01)
    here = Claims(tmp_path)
    with here.held("aa"):
        silent(tmp_path, 1000)
        (path,) = tmp_path.glob("claims/aa/*")
        before = path.stat().st_mtime
        deadline = time.monotonic() + 60
        while path.stat().st_mtime == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_files_of_others_among_the_claims_are_no_owners(tmp_path: Path) -> None:
    for folder in ("aa", claims.TAKING_PART):
        place = tmp_path / "claims" / folder
        place.mkdir(parents=True)
        (place / ".DS_Store").touch()
    here = Claims(tmp_path)
    here.take_part(2)
    assert here.other_places() == 0
    assert here.take("aa") or here.take("aa")


def test_who_shares_the_store_can_look_into_claims(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert Claims(tmp_path).take("aa")
    finally:
        os.umask(before)
    assert (tmp_path / "claims" / "aa").stat().st_mode & 0o777 == 0o777
