"""Install a peer in a virtual environment of its own, once, under `.peers/` in the repository.

Peers need other versions than this project (Tianshou an older pandas), and must not be able to
change what this project runs with.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.files import locked
from bench.peers.catalogue import Peer, PeerUnavailable

FOLDER = Path(__file__).parents[2] / ".peers"
MARKER = "complete"


def interpreter(peer: Peer) -> Path:
    """Return the Python that has the peer's library; install the library if it isn't there.

    An environment is complete or not there: its last file is a marker with a hash of the
    requirements and the version of Python. If the hash differs, it is built anew.

    Raises:
        PeerUnavailable: the peer can't be installed; with pip's last line.
    """
    folder = FOLDER / peer.library
    try:
        key = _key(peer.requirements)
        with locked(FOLDER / f"{peer.library}.lock"):
            if not _is_whole(folder, key):
                _build(peer, folder, key)
    except OSError as error:
        raise PeerUnavailable(f"{peer.name} can't be installed: {error}") from error
    return _python(folder)


def last_words(text: str) -> str:
    """Return the last line that is neither empty nor a warning; "nothing" if there is none."""
    lines = [line.strip() for line in text.splitlines()]
    messages = [line for line in lines if line and not line.startswith(("WARNING", "[notice]"))]
    return messages[-1] if messages else "nothing"


def _key(requirements: Path) -> str:
    content = requirements.read_bytes() + platform.python_version().encode()
    return hashlib.sha256(content).hexdigest()


def _is_whole(folder: Path, key: str) -> bool:
    marker = folder / MARKER
    # The interpreter is a link to one that may have been removed.
    return marker.exists() and marker.read_text() == key and _python(folder).exists()


def _build(peer: Peer, folder: Path, key: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _install(peer, folder)
        (folder / MARKER).write_text(key)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _install(peer: Peer, folder: Path) -> None:
    _run(peer, [sys.executable, "-m", "venv", str(folder)])
    pip = [str(_python(folder)), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run(peer, [*pip, "install", "--quiet", "--requirement", str(peer.requirements)])


def _run(peer: Peer, command: Sequence[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        words = last_words(f"{result.stdout}\n{result.stderr}")
        raise PeerUnavailable(f"{peer.name} can't be installed: {words}")
