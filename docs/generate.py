"""Hook of mkdocs: pages generated from the code at build time, and a check that the site loads nothing from outside.

Reference pages are never written to disk, so that they cannot be stale: the API from its OpenAPI schema, commands from
Typer, recipes and formats from the modules themselves.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
VERBS = ("get", "post", "put", "patch", "delete")


# ------------------------------------------------------------------------------------------------- the API


def api() -> str:
    """Every route of `/v1` with its parameters, body and answer, then the fields of every model."""
    schema = _schema()
    by_tag: dict[str, list[str]] = {}
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            if verb in VERBS:
                tag = (operation.get("tags") or ["other"])[0]
                by_tag.setdefault(tag, []).append(_operation(verb, path, operation))
    models = schema["components"]["schemas"]
    return "\n".join(
        [
            f"# API\n\n{schema['info']['description']}\n\nGenerated from the OpenAPI schema of version {schema['info']['version']}.\n",
            KEYS,
            *_keys(schema["paths"]),
            "",
            *(f"## {tag}\n\n" + "\n".join(parts) for tag, parts in sorted(by_tag.items())),
            "## Models\n",
            *(_model(name, model) for name, model in sorted(models.items())),
        ]
    )  # fmt: skip


KEYS = """## Keys

`read` routes answer the machine itself (loopback) without a key; every other needs one with the scope named (`matcher keys
create`; "structure" is that of a structure, `structure:SIRET`). In the schema: `x-key` of each operation.

| key | routes |
|---|---|"""


def _keys(paths: Mapping[str, Any]) -> list[str]:
    """A row for each scope, with the routes that need it."""
    routes: dict[str, list[str]] = {}
    for path, verbs in paths.items():
        for verb, operation in verbs.items():
            routes.setdefault(operation.get("x-key", ""), []).append(f"`{verb.upper()} {path}`")
    return [f"| {key or 'none'} | {', '.join(found)} |" for key, found in sorted(routes.items())]


def _schema() -> Mapping[str, Any]:
    from service.app import create_app
    from service.settings import Settings

    found: Mapping[str, Any] = create_app(
        Settings(catalogue=ROOT / "build" / "no-catalogue", log_level="ERROR")
    ).openapi()
    return found


def _operation(verb: str, path: str, operation: Mapping[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {})
    answers = {code: answer for code, answer in operation["responses"].items() if code.startswith("2")}
    lines = [f"### {verb.upper()} {path}\n", operation.get("summary", "") + ".\n"]
    rows = [
        f"| `{p['name']}` | {p['in']} | {_type(p.get('schema', {}))} | {_cell(p.get('description', ''))} |"
        for p in operation.get("parameters", [])
    ]
    if rows:
        lines += ["| parameter | in | type | what |", "|---|---|---|---|", *rows, ""]
    for media, content in body.items():
        lines.append(f"Body (`{media}`): {_type(content['schema'])}.\n")
    for code, answer in answers.items():
        for content in answer.get("content", {}).values():
            lines.append(f"Answer {code}: {_type(content.get('schema', {}))}.\n")
    return "\n".join(lines)


def _model(name: str, model: Mapping[str, Any]) -> str:
    lines = [f"### {name}\n", _cell(model.get("description", "")) + "\n"]
    required = model.get("required", [])
    rows = [
        f"| `{field}`{'' if field in required else ' (optional)'} | {_type(of)} | {_cell(of.get('description', ''))} |"
        for field, of in model.get("properties", {}).items()
    ]
    return "\n".join([*lines, *(["| field | type | what |", "|---|---|---|", *rows, ""] if rows else [])])


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{value or 'empty'}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


# ------------------------------------------------------------------------------------------- the commands


def commands() -> str:
    """Every command with its usage, help, arguments and options."""
    import typer

    from matcher.cli import build

    root: Any = typer.main.get_command(build())
    parts = [
        "# Commands\n\nGenerated from the commands themselves: `matcher COMMAND --help` says the same.\n"
    ]
    for name, command in sorted(root.commands.items()):
        parts += _command(f"matcher {name}", command)
    return "\n".join(parts)


def _command(name: str, command: Any) -> Iterator[str]:
    told = inspect.cleandoc(command.help or "").replace("\b\n", "\n")
    prose, _, example = told.partition("\n\n\n")
    yield f"## {name}\n\n{prose.strip()}\n"
    if example.strip():
        yield f"```sh\n{inspect.cleandoc(example)}\n```\n"
    rows = [_parameter(each) for each in command.params if each.name != "help"]
    if rows:
        yield "\n".join(["| argument or option | what | default |", "|---|---|---|", *rows, ""])
    for verb, below in sorted(getattr(command, "commands", {}).items()):
        yield from _command(f"{name} {verb}", below)


def _parameter(each: Any) -> str:
    shown = ", ".join(f"`{name}`" for name in (*each.opts, *each.secondary_opts))
    if each.param_type_name == "argument":
        shown = f"`{(each.metavar or each.name).upper()}`"
    default = (
        "" if each.default in (None, False, ()) or callable(each.default) else f"`{_plain(each.default)}`"
    )
    return f"| {shown} | {_cell(getattr(each, 'help', '') or '')} | {default} |"


def _plain(value: Any) -> str:
    return str(value).replace(str(Path.home()), "~")


# --------------------------------------------------------------------------------- recipes and formats


def recipes() -> str:
    """The shipped recipes, field by field, and the keys of any recipe."""
    from matcher import plugins
    from matcher.domain import Recipe
    from matcher.matching.recipes import SHIPPED

    rows = [
        f"| `{name}` | {', '.join(recipe.indexes)} | {recipe.encoder} | {recipe.ranker} | {', '.join(recipe.ranker_options.get('signals', {})) or 'all'} | {'yes' if recipe.judgement else 'no'} | {recipe.rotation or ''}{' daily' if recipe.daily else ''} |"
        for name, recipe in SHIPPED.items()
    ]
    return "\n".join(
        [
            "# Recipes\n", "What a catalogue is built and ranked with. `matcher index --recipe NAME`, `MATCHER_RECIPE`, or `recipe` in a request.\n",
            "| recipe | indexes | encoder | ranker | signals it weighs | judgement of leads | draw of near-ties |", "|---|---|---|---|---|---|---|", *rows, "",
            "The judgement ranks and filters the structures of a directory; the ranker says who wins, for suppliers of past awards and"
            " partners. The daily draw is the scale, in log-odds, by which near-equals take turns.\n",
            "## A recipe of your own\n", "A TOML file of these keys, given by `matcher index --recipe ours.toml`; what it leaves out is as in"
            " `default`, any other key is refused. Signals of one's own weight, of those of"
            f" `matcher.matching.signals` ({', '.join(plugins.names('matching.signals'))}):\n",
            "```toml\njudgement = false\n[ranker_options.signals]\nlikely_place = {weight = 3.0}\nmeaning = {weight = 2.0}\n```\n", _record(Recipe),
        ]
    )  # fmt: skip


def formats() -> str:
    """What is read (one section a source) and the records that it becomes."""
    from matcher import domain, plugins

    parts = ["# Formats\n\n## Read\n\nA file is recognised by its content, or read by `--source NAME`.\n"]
    for name in plugins.names("reading.sources"):
        told = inspect.cleandoc(plugins.find("reading.sources", name).__doc__ or "")
        parts.append(f"### {name}\n\n{told}\n")
    parts.append("## Records\n\nWhat every source becomes; JSON by `matcher read --format jsonl`.\n")
    parts += [_record(getattr(domain, name)) for name in ("Structure", "Offer", "Zone", "Tender", "Lot", "Award", "Place")]  # fmt: skip
    parts.append((ROOT / "data" / "benchmark" / "README.md").read_text(encoding="utf-8").replace("# Judged needs", "## Judged needs", 1).replace("## `sample`", "### `sample`"))  # fmt: skip
    return "\n".join(parts)


def _record(record: type) -> str:
    """The fields of a dataclass, with the remarks that stand beside them in the source."""
    remarks = dict(re.findall(r"^    (\w+):[^#\n]*#\s*(.+)$", inspect.getsource(record), flags=re.M))
    rows = [
        f"| `{each.name}` | `{inspect.formatannotation(each.type).replace('collections.abc.', '').replace(' | ', ' or ')}` | {_cell(remarks.get(each.name, ''))} |"
        for each in dataclasses.fields(record)
    ]
    return "\n".join([f"### {record.__name__}\n", f"{_cell(record.__doc__ or '')}\n", "| field | type | what |", "|---|---|---|", *rows, ""])  # fmt: skip


# ---------------------------------------------------------------------------------------------- the library


def python() -> str:
    """The public names of `matcher`, with their signatures, methods and docstrings, below the example that the README runs."""
    import matcher

    (example,) = re.findall(
        r"```python\n.*?```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S
    )
    parts = [f"# Python API\n\nThe public names of the package `matcher`; all are typed.\n\n{example}\n"]
    for name in sorted(matcher.__all__):
        value = getattr(matcher, name)
        if dataclasses.is_dataclass(value):
            parts.append(_record(value).replace("### ", "## ", 1))
        elif callable(value):
            parts.append(f"## {name}\n\n{_signed(name, value)}")
            parts += _methods(name, value) if inspect.isclass(value) else []
    return "\n".join(parts)


def _signed(name: str, value: Any) -> str:
    signature = str(inspect.signature(value)).replace("'", "").replace("self, ", "").replace("(self)", "()")
    return f"```python\n{name}{signature}\n```\n\n{inspect.cleandoc(value.__doc__ or '')}\n"


def _methods(owner: str, of: type) -> Iterator[str]:
    for name, value in vars(of).items():
        method = getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(method):
            yield f"### {owner}.{name}\n\n{_signed(f'{owner}.{name}', method)}"


# ---------------------------------------------------------------------------------------------- the hook

GENERATED: Mapping[str, Callable[[], str]] = {
    "reference/api.md": api,
    "reference/commands.md": commands,
    "reference/python.md": python,
    "reference/recipes.md": recipes,
    "reference/formats.md": formats,
}
#: Pages that stand at the top of the repository.
TOP = {"decisions.md": "DECISIONS.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages and those of the top of the repository."""
    from mkdocs.structure.files import File

    for uri, make in GENERATED.items():
        files.append(File.generated(config, uri, content=make()))
    for uri, name in TOP.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, files: Any, **_: Any) -> str:
    """Pictures where they were made; links that leave the documentation as plain words."""
    markdown = re.sub(r"<!-- picture: ([\w-]+) (.+?) -->", _picture(page.file.src_uri), markdown)
    markdown = re.sub(r"<!-- (?:step|run|see).*?-->\n?", "", markdown)

    def kept(found: re.Match[str]) -> str:
        words, target = found.groups()
        inside = (Path("/docs") / page.file.src_uri).parent / target.partition("#")[0]
        uri = str(inside.resolve()).removeprefix("/docs/")
        return found.group(0) if files.get_file_from_path(uri) else words

    return re.sub(r"(?<!!)\[([^\]]+)\]\((?![a-z]+:|#)([^)\s]+)\)", kept, markdown)


def _picture(uri: str) -> Callable[[re.Match[str]], str]:
    up = "../" * uri.count("/")
    return lambda found: (
        f"![{found[2]}]({up}pictures/{found[1]}.png)" if (PICTURES / f"{found[1]}.png").is_file() else ""
    )


def on_post_build(config: Any) -> None:
    """Raise where a page would load a script, a style, a font or a picture from another host."""
    from mkdocs.exceptions import PluginError

    loads = re.compile(r"""<(?:script|img|iframe|source)[^>]+src="?(?:https?:)?//|<link[^>]+rel="?(?:stylesheet|preload|preconnect)[^>]+href="?(?:https?:)?//|url\(["']?(?:https?:)?//""")  # fmt: skip
    for path in Path(config["site_dir"]).rglob("*"):
        if path.suffix in (".html", ".css") and (found := loads.search(path.read_text(encoding="utf-8"))):
            raise PluginError(f"{path.name} loads from another host: {found.group(0)[:120]}")
