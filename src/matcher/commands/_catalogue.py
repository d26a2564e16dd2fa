"""The default catalogue folder of the commands."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_CATALOGUE = Path(os.environ.get("MATCHER_CATALOGUE") or "var/catalogue")
