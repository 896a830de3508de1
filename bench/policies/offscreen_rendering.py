"""Whether environments can open a window, and what makes them draw where they can't."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType

OPENGL = "MUJOCO_GL"
CHOICES = ("egl", "osmesa")
"""With a GPU or without (Mesa's software renderer); and always in software."""

NEEDED = (
    "without a display MuJoCo renders by EGL or OSMesa, neither of which needs a GPU; on Debian "
    "and Ubuntu, install libegl1 and libgl1-mesa-dri, or libosmesa6"
)

_PROBE = "import mujoco; context = mujoco.GLContext(16, 16); context.make_current(); context.free()"
_WINDOW = "import glfw, sys; sys.exit(not glfw.init())"


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def no_window_because() -> str | None:
    """Why no window can be opened here; None where one can.

    A process of its own tries: MuJoCo's window library ends a process that names a display which
    isn't there, and others draw into nothing.
    """
    if not has_display():
        return "there is no display to open a window on"
    if sys.platform == "linux" and _fails(_WINDOW):
        return "the display that DISPLAY or WAYLAND_DISPLAY names can't be opened"
    return None


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
        if not _fails(_PROBE, {OPENGL: name}):
            os.environ[OPENGL] = name
            return name
    return None


def _fails(code: str, variables: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Whether a Python process with these further environment variables fails."""
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **variables}
    return bool(
        subprocess.run(command, env=environment, capture_output=True, check=False).returncode
    )
