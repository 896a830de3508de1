"""What makes environments draw where there is no display."""

from __future__ import annotations

import os
import subprocess
import sys

OPENGL = "MUJOCO_GL"
CHOICES = ("egl", "osmesa")
"""With a GPU or without (Mesa's software renderer); and always in software."""

NEEDED = (
    "without a display MuJoCo renders by EGL or OSMesa, neither of which needs a GPU; on Debian "
    "and Ubuntu, install libegl1 and libgl1-mesa-dri, or libosmesa6"
)

_PROBE = "import mujoco; context = mujoco.GLContext(16, 16); context.make_current(); context.free()"


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def prepare() -> str | None:
    """Let this process draw without a display, where it has none.

    What the user has set is left alone. MuJoCo's OpenGL is tried by a process of its own: the first
    attempt in a process decides for all of it.

    Returns:
        The OpenGL that MuJoCo is told to use; None where it needs none or none works.
    """
    if has_display():
        return os.environ.get(OPENGL)
    # For what pygame draws, which else complains.
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    if os.environ.get(OPENGL):
        return os.environ[OPENGL]
    for name in CHOICES:
        surroundings = {**os.environ, OPENGL: name}
        command = [sys.executable, "-c", _PROBE]
        if subprocess.run(command, env=surroundings, capture_output=True, check=False).returncode:
            continue
        os.environ[OPENGL] = name
        return name
    return None
