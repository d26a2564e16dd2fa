"""The options that commands share, each described once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CATALOGUE = Path(os.environ.get("MATCHER_CATALOGUE") or "var/catalogue")

CatalogueFolder = Annotated[Path, typer.Option(help="The folder written by `matcher index`.")]
OutputFormat = Annotated[str, typer.Option(help="table, jsonl or csv.")]
