"""A typed client of the API of Maillage VERSION, generated from its OpenAPI schema; standard library alone.

    client = Client("https://maillage.example.org", key="mlg_...")
    for lot in client.match({"need": "tonte et taille de haies", "place": "Pantin"})["lots"]: ...

Errors are raised as `Problem`, whose `detail` names the remedy.  An order of presentation prejudges nothing.
"""

# An answer is trusted to be what the schema says.
# mypy: disable-error-code=no-any-return
from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict  # noqa: F401 - for the models


class Problem(Exception):
    """An error answered by the service: status (0 where it does not answer), one sentence, and the invalid fields."""

    def __init__(self, status: int, detail: str, errors: list[Any]) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors


# models


class Client:
    """The routes of `/v1` that take and give JSON; `base` is the address of the service."""

    def __init__(self, base: str = "http://127.0.0.1:8000", key: str = "", timeout: float = 60) -> None:
        if not base.startswith(("http://", "https://")):
            raise ValueError(f"invalid address {base!r}: expected https://HOST")
        self.base, self.key, self.timeout = base.rstrip("/"), key, timeout

    def call(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """The JSON of an answer, None where it is empty.  Raises Problem."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        address = f"{self.base}{path}" + (f"?{urllib.parse.urlencode(given, doseq=True)}" if given else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.key:
            headers["X-API-Key"] = self.key
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _problem(error) from None
        except OSError as error:  # no connection, or no answer in time
            why = f"{self.base} does not answer ({getattr(error, 'reason', error)}): check the address, or try again later"
            raise Problem(0, why, []) from None
        return json.loads(text) if text else None

    # routes


def _problem(error: urllib.error.HTTPError) -> Problem:
    try:
        problem = json.loads(error.read())
        return Problem(error.code, str(problem["detail"]), list(problem.get("errors", [])))
    except (ValueError, KeyError, TypeError):
        return Problem(error.code, f"the service answered {error.code}", [])


def _part(value: object) -> str:
    return urllib.parse.quote(str(value), safe="")
