"""Whether environments can open a window, and how they render where they can't."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType

OPENGL = "MUJOCO_GL"
CHOICES = ("egl", "osmesa")
"""EGL uses a GPU or Mesa's software renderer; OSMesa always renders in software."""

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
    """Return why no window can be opened here; None if one can.

    A separate process tries: with a display that does not exist, MuJoCo's window library ends the
    process, and other libraries draw nothing.
    """
    if not has_display():
        return "there is no display to open a window on"
    if sys.platform == "linux" and _fails(_WINDOW):
        return "the display that DISPLAY or WAYLAND_DISPLAY names can't be opened"
    return None


def prepare() -> str | None:
    """Set the environment variables that let this process render without a display, if it has none.

    Variables that the user has set are left alone. A separate process tries MuJoCo's OpenGL,
    because the first attempt in a process is final.

    Returns:
        The value of MUJOCO_GL; None if it needs none or none works.
    """
    if has_display():
        return os.environ.get(OPENGL)
    # Without a display pygame complains unless it has this driver.
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
