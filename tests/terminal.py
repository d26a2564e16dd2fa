"""The `matcher` command as a terminal runs it, in this process: importing its libraries takes longer than most commands."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from matcher.cli import main


def command(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The exit status and what was printed; a debugger's MATCHER_DEBUG does not change the messages."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    status: object = 0
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["matcher", *arguments]),
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        os.environ.pop("MATCHER_DEBUG", None)
        try:
            main()
        except SystemExit as left:
            status = left.code or 0
    printed = (stream.detach().getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(arguments, int(str(status)), *printed)
