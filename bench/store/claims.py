"""Names that one process at a time holds, on any file system with an atomic rename.

A claim is a folder with one empty file in it, named after its owner. Renaming a folder onto one
that isn't empty fails, so whoever comes second doesn't get it; and a dead owner's file can be
renamed away by one process only.

    DIR/claims/NAME/OWNER           a claim; the file's time is its owner's last heartbeat
    DIR/claims/.taking-part/OWNER   a process that trains, and how many groups at a time
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from bench.errors import InputError
from bench.files import written_whole

HEARTBEAT = 15.0
SILENCE = 120.0
"""Seconds, by the file system's clock, after which the owner of a claim counts as dead where its
process can't be looked at, because it is on another machine."""
PATIENCE = 2 * SILENCE
_OWNER = re.compile(r"[0-9a-f]{8}-\d+-\w*-")
TAKING_PART = ".taking-part"


class Claims:
    """The claims of one process in one folder; use one object per thread.

    Args:
        folder: the store's folder, DIR above.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "claims"
        self._held: set[Path] = set()
        self._participant: Path | None = None
        self._token = uuid.uuid4().hex[:8]
        self._heart_lock = threading.Lock()
        self._heart: threading.Thread | None = None

    def take(self, name: str) -> bool:
        """Try to take a name; return whether this object holds it. A dead owner's is taken over.

        A thread then shows others that this process lives, as long as it holds anything.

        Raises:
            OSError: the claim can't be written.
        """
        taken = self._take(name)
        if taken:
            self._start_heart()
        return taken

    def holds(self, name: str) -> bool:
        """Whether the name is still this object's: a process that was silent may have lost it."""
        return self._path(name).exists()

    def free(self, name: str) -> None:
        """Give the name back; do nothing if it is not held."""
        self._give_back(self._path(name))

    def take_part(self, places: int) -> None:
        """Show others that this process trains `places` groups at a time."""
        folder = self._folder / TAKING_PART
        self._participant = folder / f"{self._owner}-{places}"
        while not self._participant.exists():
            # Another process that ends in between removes the folder, while it is empty.
            with suppress(FileNotFoundError):
                folder.mkdir(parents=True, exist_ok=True)
                self._participant.touch()
        self._held.add(self._participant)
        self._start_heart()

    def other_places(self) -> int:
        """Return the number of groups that other living processes train at a time."""
        paths = [path for path in self._participants() if path not in self._held]
        return sum(int(path.name.rpartition("-")[2]) for path in paths)

    def write_notice(self, text: str) -> None:
        """Let others read a text about this process, if it takes part.

        Raises:
            OSError: the text can't be written.
        """
        if self._participant in self._held:
            with written_whole(self._participant) as file:
                file.write_text(text, encoding="utf-8")

    def notices(self) -> list[str]:
        """The texts that living processes have left with `write_notice`, "" where there is none."""
        texts = []
        for path in self._participants():
            with suppress(FileNotFoundError):
                texts.append(path.read_text(encoding="utf-8"))
        return texts

    def _participants(self) -> list[Path]:
        """The files of living processes; those of dead ones are removed."""
        folder, living = self._folder / TAKING_PART, []
        paths: list[Path] = []
        with suppress(FileNotFoundError):
            paths = sorted(folder.iterdir())
        for path in paths:
            if path in self._held or (_OWNER.match(path.name) and self._is_alive(path)):
                living.append(path)
            elif _OWNER.match(path.name):
                with suppress(OSError):  # of a folder that one may only read
                    path.unlink()
        return living

    def end(self) -> None:
        """Give everything back."""
        for path in tuple(self._held):
            self._give_back(path)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Hold a name within the block, for short work; wait while another owner holds it.

        Raises:
            InputError: another living process holds it for longer than such work takes.
        """
        if self._path(name) in self._held:
            yield
            return
        deadline = time.monotonic() + PATIENCE
        while not self.take(name):
            if time.monotonic() > deadline:
                raise InputError(f"another process holds {self._folder / name}")
            time.sleep(0.01)
        try:
            yield
        finally:
            self.free(name)

    @property
    def _owner(self) -> str:
        return f"{machine()}-{os.getpid()}-{birth(os.getpid())}-{self._token}"

    def _path(self, name: str) -> Path:
        return self._folder / name / self._owner

    def _give_back(self, path: Path) -> None:
        self._held.discard(path)
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()

    def _take(self, name: str) -> bool:
        path = self._path(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        # Not a private folder: whoever shares the store has to look into it.
        staging = self._folder / f".taking-{uuid.uuid4().hex}"
        staging.mkdir()
        try:
            (staging / path.name).touch()
            with suppress(OSError):
                staging.rename(path.parent)
                self._held.add(path)
                return True
        finally:
            with suppress(OSError):
                (staging / path.name).unlink()
                staging.rmdir()
        with suppress(OSError):
            for owner in path.parent.iterdir():
                if owner == path:
                    return True
                if not _OWNER.match(owner.name):  # written by a file manager or file system
                    owner.unlink()
                elif not self._is_alive(owner):
                    # From here on others see a heartbeat; only one process can rename the file.
                    os.utime(owner)
                    owner.rename(path)
                    self._held.add(path)
                    return True
        return False

    def _is_alive(self, owner: Path) -> bool:
        machine_name, pid, began = owner.name.split("-")[:3]
        if machine_name == machine():
            return birth(int(pid)) == began
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder) as probe:
                return os.stat(probe.name).st_mtime - owner.stat().st_mtime < SILENCE
        except FileNotFoundError:
            return False
        except OSError:  # a folder that one may only read, without a clock to compare with
            return True

    def _start_heart(self) -> None:
        """Start the thread that shows, as long as anything is held, that this process lives."""
        with self._heart_lock:
            if self._heart is None:
                self._heart = threading.Thread(target=self._beat, daemon=True)
                self._heart.start()

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT)
            with self._heart_lock:
                if not self._held:
                    self._heart = None
                    return
            for path in tuple(self._held):
                with suppress(OSError):
                    os.utime(path)


@cache
def machine() -> str:
    """Return a name for where process numbers are valid: this boot of this machine or container."""
    identifiers = [socket.gethostname()]
    with suppress(OSError):
        identifiers.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        identifiers.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("".join(identifiers).encode()).hexdigest()[:8]


def birth(pid: int) -> str:
    """Return a process's start in the system's units; "" if gone, "unknown" without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"
