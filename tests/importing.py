"""What a piece of code imports, observed in a fresh interpreter; a file outside every package, imported as a module."""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType


def imported(code: str, names: Sequence[str]) -> list[str]:
    """Which of these modules are loaded once the code has run."""
    asking = f"{code}\nimport sys\nprint(*[name for name in {tuple(names)!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    return done.stdout.split()


def module_at(path: Path) -> ModuleType:
    """The file as a module named by its stem."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
