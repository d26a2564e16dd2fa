"""`matcher sample`: the invented sample, written where the examples look for it."""

import shutil
from pathlib import Path
from typing import Annotated

from typer import Argument

from matcher.console import say
from matcher.domain import BadInput
from matcher.reference.paths import sample_dir


def run(folder: Annotated[Path, Argument(help="Where to write it.")] = Path("data/sample")) -> None:
    """Write the sample: structures, past awards and notices, all invented, for the examples of every --help.

    \b
    matcher sample
    matcher sample /tmp/sample
    """
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else (True,)):
        if folder.resolve() == sample_dir().resolve():
            say(f"{folder} is the sample already")
            return
        raise BadInput(f"{folder} exists and is not empty: name another folder")
    shutil.copytree(sample_dir(), folder, dirs_exist_ok=True)
    say(f"{folder} written: index it with `matcher index {folder}`, then `matcher match {folder}`")
