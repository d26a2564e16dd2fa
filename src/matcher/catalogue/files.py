"""A catalogue saved to a folder and opened from it; the swap is atomic."""

from __future__ import annotations

from pathlib import Path

FORMAT = 2


SWAPS = 20  # times that a catalogue is opened again because another took its place


def _aside(folder: Path) -> Path:
    """Where the old catalogue stands for the instant in which the new one takes its place."""
    return folder.with_name(folder.name + ".old")


def _place(folder: Path) -> int | None:
    """Which folder stands there; None where none does."""
    try:
        return folder.stat().st_ino
    except OSError:
        return None
