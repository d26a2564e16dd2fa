"""Write the Python client (`service/client/matcher_client.py`) from the OpenAPI schema of the service.

    python data/build/build_client.py

One file, standard library alone: a TypedDict for each model, a method for each route that takes and gives JSON.
A test compares the file with what this writes.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[2] / "service" / "client" / "matcher_client.py"
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
PREFIX = {"post": "post_", "put": "put_", "delete": "delete_"}
HEAD = '''"""A typed client of the API of Maillage {version}, generated from its OpenAPI schema; standard library alone.

    client = Client("https://maillage.example.org", key="mlg_...")
    for lot in client.match({{"need": "tonte et taille de haies", "place": "Pantin"}})["lots"]: ...

Errors are raised as `Problem`, whose `detail` names the remedy.  An order of presentation prejudges nothing.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast


class Problem(Exception):
    """A refusal of the service: its status, one sentence, and the fields at fault."""

    def __init__(self, status: int, detail: str, errors: list[Any]) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors

'''
CLIENT = '''
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
        return json.loads(text) if text else None
'''
TAIL = """

def _problem(error: urllib.error.HTTPError) -> Problem:
    try:
        told = json.loads(error.read())
        return Problem(error.code, str(told["detail"]), list(told.get("errors", [])))
    except (ValueError, KeyError, TypeError):
        return Problem(error.code, f"the service answered {error.code}", [])


def _part(value: object) -> str:
    return urllib.parse.quote(str(value), safe="")
"""


def type_of(schema: Mapping[str, Any]) -> str:
    """A JSON schema as an annotation."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]".replace("'", '"')
    if "const" in schema:
        return f'Literal["{schema["const"]}"]'
    if schema.get("type") == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if schema.get("type") == "object":
        inside = schema.get("additionalProperties")
        return f"dict[str, {type_of(inside) if isinstance(inside, Mapping) else 'Any'}]"
    return PLAIN.get(str(schema.get("type")), "Any")


def model(name: str, schema: Mapping[str, Any], sent: bool) -> str:
    """A TypedDict; what is sent may lack the fields that have a default, what comes back never does."""
    if "properties" not in schema:
        return f"{name} = {type_of(schema)}\n"
    required = schema.get("required", [])
    lines = [
        f"    {field}: {type_of(of) if field in required or not sent else f'NotRequired[{type_of(of)}]'}"
        for field, of in schema["properties"].items()
    ]
    told = " ".join(str(schema.get("description", "")).split())
    return "\n".join([f"class {name}(TypedDict):", *([f'    """{told}"""', ""] if told else []), *lines, ""])


def name_of(verb: str, path: str, verbs: Mapping[str, Any]) -> str:
    """The method of a route: its words, one of a list in the singular, with the verb where it is not the only one."""
    parts = path.removeprefix("/v1/").split("/")
    words = []
    for place, part in enumerate(parts):
        if not part.startswith("{"):
            one = place + 1 < len(parts) and parts[place + 1].startswith("{")
            words.append(part[:-1] if one and part.endswith("s") else part)
        elif place == len(parts) - 1 and not parts[place - 1].endswith("s"):
            words.append(part.strip("{}").removesuffix("_id"))
    name = re.sub(r"\W+", "_", "_".join(words)).strip("_")
    plain = verb == "get" or (verb == "post" and "get" not in verbs)
    return ("" if plain else PREFIX[verb]) + name + ("_" if keyword.iskeyword(name) else "")


def method(verb: str, path: str, operation: Mapping[str, Any], name: str) -> str:
    """One route as a method."""
    listed = [p for p in operation.get("parameters", []) if p["in"] in ("path", "query")]
    inside = [p for p in listed if p["in"] == "path"]
    asked = [p for p in listed if p["in"] == "query"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    answers = [a for code, a in operation["responses"].items() if code.startswith("2")]
    content = answers[0].get("content", {}).get("application/json", {}) if answers else {}
    gives = (
        type_of(content["schema"])
        if content.get("schema")
        else "None"
        if not answers[0].get("content")
        else "Any"
    )
    taken = [f"{p['name']}: {type_of(p['schema'])}" for p in inside]
    taken += [f"body: {type_of(body['schema'])}"] if body else []
    needed = [p for p in asked if p.get("required")]
    free = [p for p in asked if not p.get("required")]
    options = [f"{_named(p)}: {type_of(p['schema'])}" for p in needed]
    options += [f"{_named(p)}: {_or_none(type_of(p['schema']))} = None" for p in free]
    signature = ", ".join(["self", *taken, *(["*", *options] if options else [])])
    address = re.sub(r"{(\w+)}", lambda found: "{_part(" + found[1] + ")}", path)
    query = (
        ", {" + ", ".join(f'"{p["name"]}": {_named(p)}' for p in asked) + "}"
        if asked
        else ", None"
        if body
        else ""
    )
    call = f'self.call("{verb.upper()}", {"f" if "{" in address else ""}"{address}"{query}{", body" if body else ""})'
    result = (
        f"return cast({gives!r}, {call})".replace("'", '"')
        if gives not in ("Any", "None")
        else f"return {call}"
    )
    if gives == "None":
        result = call
    return f'    def {name}({signature}) -> {gives}:\n        """{operation.get("summary", name)}."""\n        {result}\n'


def _named(parameter: Mapping[str, Any]) -> str:
    name = str(parameter["name"])
    return f"{name}_" if keyword.iskeyword(name) else name


def _or_none(annotation: str) -> str:
    return annotation if annotation.endswith("None") else f"{annotation} | None"


def sent_models(schema: Mapping[str, Any]) -> set[str]:
    """The models that are sent, with those inside them."""
    models = schema["components"]["schemas"]
    found: set[str] = set()
    waiting = [
        type_of(content["schema"])
        for verbs in schema["paths"].values()
        for operation in verbs.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    while waiting:
        name = waiting.pop()
        if name in models and name not in found:
            found.add(name)
            waiting += re.findall(r"schemas/(\w+)", str(models[name]))
    return found


def written(schema: Mapping[str, Any]) -> str:
    """The text of the client, before it is formatted."""
    sent = sent_models(schema)
    skipped = ("Problem", "Fault", "HTTPValidationError", "ValidationError")
    models = {
        n: m
        for n, m in schema["components"]["schemas"].items()
        if n not in skipped and not n.startswith("Body_")
    }
    parts = [HEAD.format(version=schema["info"]["version"])]
    parts += [
        model(name, of, name in sent) + "\n"
        for name, of in sorted(models.items(), key=lambda pair: "properties" not in pair[1])
    ]
    return "\n".join([*parts, CLIENT, *_methods(schema), TAIL])


def _methods(schema: Mapping[str, Any]) -> Iterator[str]:
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            sends = operation.get("requestBody", {}).get("content", {"application/json": {}})
            gives = next(
                (a.get("content", {}) for c, a in operation["responses"].items() if c.startswith("2")), {}
            )
            binary = "{shape}" in path or "{format}" in path
            if "application/json" in sends and ("application/json" in gives or not gives) and not binary:
                yield method(verb, path, operation, name_of(verb, path, verbs))


def formatted(text: str) -> str:
    """The text as `ruff format` leaves it."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "ruff", "format", "--line-length", "110", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def schema() -> Mapping[str, Any]:
    """The schema of the service as it is now."""
    from service.app import create_app
    from service.settings import Settings

    found: Mapping[str, Any] = create_app(
        Settings(catalogue=OUT.parent / "none", log_level="ERROR")
    ).openapi()
    return found


if __name__ == "__main__":
    OUT.write_text(formatted(written(schema())), encoding="utf-8")
    print(f"{OUT.name} written")
