"""The peers: which library, which of its algorithms, and what it needs installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


class PeerUnavailable(RuntimeError):  # noqa: N818 - a state that callers name and go on from
    """A peer can't be installed or can't train here. The message has its name and the reason."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """An algorithm of another library.

    Attributes:
        name: the peer's name in commands and tables.
        title: the peer's name in figures.
        library: the library's name; peers of one library share a virtual environment.
        algorithm: the algorithm's name in the script.
        script: the script that trains and times it, run by the interpreter of its environment.
        requirements: the file of what pip installs there.
    """

    name: str
    title: str
    library: str
    algorithm: str
    script: Path
    requirements: Path


def _peer(library: str, algorithm: str, title: str) -> Peer:
    return Peer(
        name=f"{library}_{algorithm}",
        title=title,
        library=library,
        algorithm=algorithm,
        script=_HERE / f"{library}_training.py",
        requirements=_HERE / f"{library}.txt",
    )


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        _peer("stable_baselines3", "ppo", "Stable-Baselines3 PPO"),
        _peer("stable_baselines3", "a2c", "Stable-Baselines3 A2C"),
        _peer("tianshou", "ppo", "Tianshou PPO"),
        _peer("tianshou", "a2c", "Tianshou A2C"),
        _peer("tianshou", "reinforce", "Tianshou Reinforce"),
    )
}
