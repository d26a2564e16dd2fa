"""Write the Python client of this version to standard output, from the OpenAPI schema of the service.

    python -m service.client > matcher_client.py

`core.py` is the client's own code; a TypedDict for each model and a method for each route that takes and gives JSON
are put where it says `# models` and `# routes`.
"""

import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
PREFIX = {"post": "post_", "put": "put_", "delete": "delete_"}
JSON = "application/json"


def type_of(schema: Schema) -> str:
    """A JSON schema as an annotation."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(each) for each in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum") or [schema["const"]]
        return f"Literal[{', '.join(map(repr, values))}]"
    if schema.get("type") == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if schema.get("type") == "object":
        inside = schema.get("additionalProperties")
        return f"dict[str, {type_of(inside) if isinstance(inside, Mapping) else 'Any'}]"
    return PLAIN.get(str(schema.get("type")), "Any")


def models(schema: Schema) -> Iterator[str]:
    """Each model that a route takes or gives; what is sent may lack the fields that have a default."""
    described = schema["components"]["schemas"]
    said = [(operation.get("requestBody"), _answer(operation)) for _, _, operation, _ in _routes(schema)]
    for name in sorted(_named_in(said, described)):
        required = described[name].get("required", ())
        yield f"\nclass {name}(TypedDict):"
        about = " ".join(described[name].get("description", "").split())
        yield f'    """{about or name}"""\n'
        for field, of in described[name].get("properties", {}).items():
            yield f"    {field}: " + (type_of(of) if field in required else f"NotRequired[{type_of(of)}]")


def _named_in(value: object, described: Schema) -> set[str]:
    """The models that a part of the schema names, with those inside them."""
    named: set[str] = set()
    waiting = [str(value)]
    while waiting:
        fresh = set(re.findall(r"schemas/(\w+)", waiting.pop())) - named
        named |= fresh
        waiting += [str(described[name]) for name in fresh]
    return named


def name_of(verb: str, path: str, verbs: Schema) -> str:
    """The method of a route: its words, of a list in the singular, and the verb where there are several."""
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
    return ("" if plain else PREFIX[verb]) + _legal(name)


def _legal(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def method(verb: str, path: str, operation: Schema, name: str) -> str:
    """One route as a method: what its path names and the body first, then what is asked by name."""
    parameters = operation.get("parameters", [])
    asked = [p for p in parameters if p["in"] == "query"]
    body = operation.get("requestBody", {}).get("content", {}).get(JSON)
    answer = _answer(operation)
    gives = type_of(answer[JSON].get("schema", {})) if answer else "None"
    taken = ["self", *(f"{p['name']}: {type_of(p['schema'])}" for p in parameters if p["in"] == "path")]
    taken += [f"body: {type_of(body['schema'])}"] if body else []
    taken += ["*"] if asked else []
    for p in sorted(asked, key=lambda p: not p.get("required")):
        of = type_of(p["schema"])
        default = "" if p.get("required") else " = None" if of.endswith("None") else " | None = None"
        taken.append(f"{_legal(p['name'])}: {of}{default}")
    address = re.sub(r"{(\w+)}", r"{_part(\1)}", path)
    query = ", ".join(f'"{p["name"]}": {_legal(p["name"])}' for p in asked)
    call = f'self.call("{verb.upper()}", f"{address}", {{{query}}}, {"body" if body else None})'
    about = operation.get("summary", name)
    return f'    def {name}({", ".join(taken)}) -> {gives}:\n        """{about}."""\n        return {call}\n'


def _answer(operation: Schema) -> Schema:
    """The content of the answer of a route, by media type; empty where it answers nothing."""
    answers = (a for code, a in operation["responses"].items() if code.startswith("2"))
    content: Schema = next(answers).get("content", {})
    return content


def _routes(schema: Schema) -> Iterator[tuple[str, str, Schema, Schema]]:
    """Verb, path, operation and all verbs of each route that takes and gives JSON."""
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            sends = operation.get("requestBody", {}).get("content", {JSON: {}})
            binary = "{shape}" in path or "{format}" in path
            if JSON in sends and JSON in (_answer(operation) or sends) and not binary:
                yield verb, path, operation, verbs


def written() -> str:
    """The text of the client of this version."""
    from service.app import create_app
    from service.settings import Settings

    schema = create_app(Settings(catalogue=Path("none"), log_level="ERROR")).openapi()  # type: ignore[call-arg]
    text = Path(__file__).with_name("core.py").read_text(encoding="utf-8")
    text = text.replace("VERSION", schema["info"]["version"], 1)
    text = text.replace("# models\n", "\n".join(models(schema)) + "\n", 1)
    made = (method(verb, path, of, name_of(verb, path, verbs)) for verb, path, of, verbs in _routes(schema))
    return text.replace("    # routes\n", "\n".join(made), 1)


if __name__ == "__main__":
    sys.stdout.write(written())
