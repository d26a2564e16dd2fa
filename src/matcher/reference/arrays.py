"""Names of the types of arrays: floats of 32 and 64 bits, integers of 64 bits, masks."""

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]
