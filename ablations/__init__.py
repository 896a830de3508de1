"""The questions, by name, in the lecture's order. Importing this imports nothing heavy."""

from __future__ import annotations

ABLATIONS: dict[str, str] = {}
