"""The package `service`, which the wheel holds inside `matcher`: the name is too common to be installed beside others."""

import sys
from typing import Any

from matcher.reference.paths import service_dir


def reach() -> None:
    """Make `import service` find this program's, first of all, here and in the processes started from here."""
    folder = str(service_dir())
    if folder not in sys.path:
        sys.path.insert(0, folder)


def create_app() -> Any:
    """The application, for `uvicorn --factory matcher.commands._service:create_app`."""
    reach()
    from service.app import create_app as create

    return create()
