"""The peers: which library, which of its algorithms, and what it needs installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


class PeerUnavailable(RuntimeError):  # noqa: N818 - a state that callers name and go on from
    """A peer can't be installed or can't train here. Says which and why, in one line."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """An algorithm of another library.

    Attributes:
        name: what it is called in commands and tables.
        title: what it is called in figures.
        library: whose it is; peers of one library share an environment.
        algorithm: what its script calls it.
        script: trains and times it, run by the interpreter of its environment.
        requirements: what pip installs there.
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
