"""Garbage collection while millions of objects without cycles are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

FEW = (
    2_000  # Python 3.12 keeps some hundred immortal objects frozen; who has frozen a program holds many more
)


@contextmanager
def no_collections() -> Iterator[None]:
    """No search for cycles meanwhile, nor of all that was made as soon as it ends: each takes a tenth of a build or more."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if gc.get_freeze_count() < FEW:  # what was made counts as old, unseen
                gc.freeze()
                gc.unfreeze()
            gc.enable()
