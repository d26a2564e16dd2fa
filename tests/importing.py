"""What a piece of code imports, observed in a fresh interpreter."""

import subprocess
import sys
from collections.abc import Sequence


def imported(code: str, names: Sequence[str]) -> list[str]:
    """Which of these modules are loaded once the code has run."""
    asking = f"{code}\nimport sys\nprint(*[name for name in {tuple(names)!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    return done.stdout.split()
