"""The application, as a factory that names no package outside of `matcher`."""

from typing import Any

from matcher.reference.paths import reach_service


def create_app() -> Any:
    """The application, for `uvicorn --factory matcher.commands._service:create_app`."""
    reach_service()
    from service.app import create_app as create

    return create()
