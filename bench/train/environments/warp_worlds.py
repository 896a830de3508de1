"""M worlds of one MuJoCo model, stepped by MuJoCo Warp, their state shared with torch.

The substeps of a tick are recorded once and launched as one (on CUDA a graph, on a CPU Warp's list
of calls): launching some hundred small kernels from Python would take longer than running them.
"""

from __future__ import annotations

from typing import Any

import torch

from bench.errors import InputError
from bench.train.environments.warp_kernels import State
from bench.train.environments.warp_launching import filled, mujoco_warp, warp

# The faults counted by the engine in which a world loses a contact or a constraint. An iterative
# solver at its limit is not among them: MuJoCo itself stops there.
_LOST = (
    mujoco_warp.OverflowType.NEFC
    | mujoco_warp.OverflowType.NJMAX_NNZ
    | mujoco_warp.OverflowType.BROADPHASE
    | mujoco_warp.OverflowType.NARROWPHASE
    | mujoco_warp.OverflowType.CCD
)
# Constraint rows of a contact, by its dimension, with MuJoCo's pyramidal friction cones.
_ROWS = {1: 1, 3: 4, 4: 6, 6: 10}


class Worlds:
    """The physics of M worlds.

    Args:
        model: MuJoCo's `MjModel`.
        count: M.
        frame_skip: substeps of one tick.
        contact_forces: whether `contact` is computed too.
        device: "cpu", "cuda" or "cuda:0" ….

    Attributes:
        frame_skip: substeps of one tick.
        position [M, nq], velocity [M, nv], warm_start [M, nv], control [M, nu]: float32 views of
            the engine's own memory; state: what a task's kernels see of it.
    """

    def __init__(
        self, model: Any, count: int, *, frame_skip: int, contact_forces: bool, device: str
    ) -> None:
        self.frame_skip = frame_skip
        self._contact_forces = contact_forces
        self._device = warp.get_device(device)
        with warp.ScopedDevice(self._device):
            self._model = mujoco_warp.put_model(model)
            # `check` reports overflows once per batch, instead of every thread of a kernel.
            self._model.opt.warn_overflow = 0
            contacts, rows = _bounds(model, self._model)
            data = mujoco_warp.make_data(model, nworld=count, nconmax=contacts, njmax=rows)
        self._data = data
        fields = {
            "position": data.qpos,
            "velocity": data.qvel,
            "warm_start": data.qacc_warmstart,
            "action": data.ctrl,
            "bodies": data.xpos,
            "sites": data.site_xpos,
            "constraint": data.qfrc_constraint,
            "contact": data.cfrc_ext,
        }
        self.state = filled(State, fields)
        views = data.qpos, data.qvel, data.qacc_warmstart, data.ctrl, data.overflow
        self.position, self.velocity, self.warm_start, self.control, self._overflow = map(
            warp.to_torch, views
        )
        self._graph = self._captured()

    def advance(self) -> None:
        """Advance by a tick of `frame_skip` substeps under `control`, on CUDA in torch's stream."""
        stream = None
        if self._device.is_cuda:
            stream = warp.stream_from_torch(torch.cuda.current_stream(self.position.device))
        warp.capture_launch(self._graph, stream=stream)

    def check(self) -> None:
        """Wait for the device, and check that no contact and no constraint was lost.

        Raises:
            RuntimeError: some were lost. The results since the last check are wrong.
        """
        lost = self._overflow & int(_LOST)
        if bool(lost.any()):
            kinds = {int(flag) for flag in lost.unique() if flag}
            names = ", ".join(sorted(mujoco_warp.OverflowType(kind).name for kind in kinds))
            raise RuntimeError(
                f"MuJoCo Warp's arrays of contacts or constraints overflowed ({names}) in "
                f"{int((lost > 0).sum())} of {len(lost)} worlds; these results are wrong"
            )

    def _substeps(self) -> None:
        with warp.ScopedDevice(self._device):
            for _ in range(self.frame_skip):
                mujoco_warp.step(self._model, self._data)
            if self._contact_forces:
                mujoco_warp.rne_postconstraint(self._model, self._data)

    def _captured(self) -> Any:
        stream = warp.Stream(self._device) if self._device.is_cuda else None
        with warp.ScopedDevice(self._device), warp.ScopedStream(stream):
            # Run once without capture: kernels are compiled and loaded at their first launch.
            self._substeps()
            warp.synchronize_device(self._device)
            with warp.ScopedCapture() as captured:
                self._substeps()
            warp.synchronize_device(self._device)
        return captured.graph


def _bounds(model: Any, on_device: Any) -> tuple[int, int]:
    """Return the most contacts, and constraint rows, that a world of this model can ever have.

    All worlds share the array of contacts; with room for each one's maximum, none can use up
    another's.
    """
    round_types = {0, 2, 3}  # plane, sphere, capsule: at most two contacts per pair
    contacts = rows = 0
    for pair in on_device.nxn_geom_pair_filtered.numpy():
        if not set(model.geom_type[pair].tolist()) <= round_types:
            raise InputError(
                "MuJoCo Warp's back end knows how many contacts spheres, capsules and planes make; "
                f"this model has others that collide (geoms {pair.tolist()})"
            )
        contacts += 2
        rows += 2 * _ROWS[int(model.geom_condim[pair].max())]
    if model.neq or model.ntendon:
        raise InputError("MuJoCo Warp's back end knows no equality constraints and no tendons")
    # A hinge may be at both its limits where their margins meet.
    rows += 2 * int(model.jnt_limited.sum()) + int((model.dof_frictionloss > 0).sum())
    return max(contacts, 1), max(rows, 1)
