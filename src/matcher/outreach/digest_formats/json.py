"""A digest as JSON, all of it: items, reasons with their contributions, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MEDIA = "application/json"
SUFFIX = ".json"


def render(content: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(content), ensure_ascii=False, indent=1).encode()
