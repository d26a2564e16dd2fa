"""Names of the types of arrays: floats and integers of 32 and 64 bits, masks, and any; the arrays of a model's file."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from matcher.domain import BadInput
from matcher.reference import paths

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]
Array = NDArray[Any]


@contextmanager
def model_arrays(name: str, folder: Path | None = None, room: str = "") -> Iterator[dict[str, Array]]:
    """The arrays of NAME.npz, of `folder` or of models/NAME (or `room`); an error raised within says that they are none.

    Raises BadInput where the file is missing or damaged.
    """
    path = paths.learnt_file(room or name, f"{name}.npz", folder)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            yield dict(held)
    except (OSError, EOFError, ValueError, LookupError, TypeError, BadZipFile, zlib.error) as error:
        remedy = f"make one with `matcher train {name}`"
        raise BadInput(f"no model {name} in {path.parent} ({error}): {remedy}") from None
