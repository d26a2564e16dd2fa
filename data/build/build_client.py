"""Write the Python client (`service/client/matcher_client.py`) from the OpenAPI schema of the service.

    python data/build/build_client.py

One file, standard library alone: a TypedDict for each model, a method for each route that takes and gives JSON.  The
client's own code stands in the file; its two generated parts are replaced.  A test compares the file with what this writes.
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
#: What a line of the client says above each part that is generated; the rest of the file is written by hand.
MODELS, ROUTES, END = "# generated: models", "# generated: routes", "# end of the generated part"


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


def fields_of(name: str, schema: Mapping[str, Any], sent: bool) -> dict[str, str]:
    """The annotation of each field; what is sent may lack the fields that have a default, what comes back never does."""
    required = schema.get("required", [])
    return {
        field: type_of(of) if field in required or not sent else f"NotRequired[{type_of(of)}]"
        for field, of in sorted(schema.get("properties", {}).items())
    }


def parent_of(name: str, models: Mapping[str, Mapping[str, str]]) -> str:
    """The largest model all of whose fields this one has too; "" where none has three."""
    own = models[name].items()
    inside = [other for other, fields in models.items() if len(fields) >= 3 and fields.items() < own]
    return max(inside, key=lambda other: len(models[other]), default="")


def model(name: str, schema: Mapping[str, Any], models: Mapping[str, Mapping[str, str]]) -> str:
    """A TypedDict that adds its fields to those of its parent."""
    if "properties" not in schema:
        return f"{name} = {type_of(schema)}\n"
    parent = parent_of(name, models)
    lines = [
        f"    {field}: {of}" for field, of in models[name].items() if field not in models.get(parent, ())
    ]
    about = " ".join(str(schema.get("description", "")).split())
    return "\n".join(
        [
            f"class {name}({parent or 'TypedDict'}):",
            *([f'    """{about}"""', ""] if about else []),
            *lines,
            "",
        ]
    )


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
    result = call if gives == "None" else f"return {call}"
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
    described = {
        n: m
        for n, m in schema["components"]["schemas"].items()
        if n not in skipped and not n.startswith("Body_")
    }
    models = {name: fields_of(name, of, name in sent) for name, of in described.items()}
    # a parent is defined before its children, and the unions of models last
    order = sorted(described, key=lambda name: (not models[name], _depth(name, models), name))
    text = OUT.read_text(encoding="utf-8")
    text = re.sub(r"(?<=API of Maillage )\S+(?=,)", str(schema["info"]["version"]), text, count=1)
    text = _replaced(text, MODELS, "\n\n".join(model(name, described[name], models) for name in order))
    return _replaced(text, ROUTES, "\n".join(_methods(schema)))


def _depth(name: str, models: Mapping[str, Mapping[str, str]]) -> int:
    parent = parent_of(name, models) if models[name] else ""
    return 1 + _depth(parent, models) if parent else 0


def _replaced(text: str, mark: str, made: str) -> str:
    """The text with what stands between a mark and the next end replaced."""
    before, found, rest = text.partition(mark)
    _, end, after = rest.partition(END)
    assert found and end, f"the client has lost its line {mark!r}"
    return f"{before}{mark}\n\n{made}\n{' ' * 4 * (mark == ROUTES)}{end}{after}"


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
