"""The `matcher` command: parses, calls one public function, prints.

Exit status: 0 when at least one record was valid, 2 on wrong usage or when no valid record is left,
1 on an internal error.
"""

import ast
import json
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import NoReturn, Protocol, runtime_checkable

import typer

from matcher import console, plugins
from matcher.domain import MatcherError, __version__
from matcher.reference import paths

HELP = """Match French public tenders to structures of the social economy, and propose groups and partners.

Start with `matcher sample`, which writes data/sample; then `matcher index data/sample` and `matcher match data/sample`.
Every command has its own --help with examples.  `--quiet`, anywhere, leaves only data and errors; with `--format jsonl` an
error is one line of JSON on stderr.
"""
QUIET = "--quiet"


@runtime_checkable
class ClickError(Protocol):
    """What a wrong argument raises: an error of click, of which some versions of typer hold a copy of their own."""

    def show(self) -> None: ...
    def format_message(self) -> str: ...


def build(only: str = "", *, listed: bool = False) -> typer.Typer:
    """The application with every command of the package `commands`, or the one that `only` names, as typed.

    Where they are but `listed`, none is imported, with all that it needs.
    """
    paths.reach_service()  # where only a wheel is installed, commands find its settings and pages
    app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.callback(invoke_without_command=True)
    def _version(
        version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    ) -> None:
        if version:
            typer.echo(f"matcher {__version__}")
            raise typer.Exit

    names = plugins.names("commands")
    asked = only.replace("-", "_")
    for name in (asked,) if asked in names else names:
        word = name.replace("_", "-")
        if listed and name != asked:
            # its help is read in its file: of its function `run`, of one with subcommands of the whole
            path = Path(__file__).with_name("commands").joinpath(f"{name}.py")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            run = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run")
            app.command(word, help=ast.get_docstring(next(run, tree)) or "")(_version)
        elif hasattr(module := plugins.find("commands", name), "app"):
            app.add_typer(module.app, name=word)
        else:
            app.command(word)(module.run)
    return app


def main() -> None:
    """Run one command; a user-correctable error becomes one sentence on stderr and exit status 2."""
    arguments = [word for word in sys.argv[1:] if word != QUIET]
    console.quiet(len(arguments) < len(sys.argv) - 1)
    console.printable()
    pairs = pairwise([*arguments, ""])
    as_json = "--format=jsonl" in arguments or any(o in ("--format", "-f") and v == "jsonl" for o, v in pairs)
    try:
        # the other commands are not imported, unless the shell asks for their options to complete them
        app = build(next(iter(arguments), ""), listed="_MATCHER_COMPLETE" not in os.environ)
        status = app(arguments, prog_name="matcher", standalone_mode=False) or 0
        sys.stdout.flush()
        sys.exit(status)
    except typer.Abort:
        _fail("interrupted", 130, as_json)
    except MatcherError as error:
        _fail(str(error), 2, as_json)
    except FileNotFoundError as error:
        _fail(f"no such file: {error.filename}; check the path", 2, as_json)
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # typer and rich make of it exit status 1
            _closed()
        raise
    except BrokenPipeError:
        _closed()
    except KeyboardInterrupt:
        _fail("interrupted", 130, as_json)
    except Exception as error:
        if isinstance(error, ClickError):
            if not as_json:
                error.show()
            _fail(error.format_message(), 2, as_json, shown=not as_json)
        if os.environ.get("MATCHER_DEBUG"):
            raise
        _fail(f"internal error: {type(error).__name__}: {error} (MATCHER_DEBUG=1 shows where)", 1, as_json)


def _fail(sentence: str, status: int, as_json: bool, shown: bool = False) -> NoReturn:
    if not shown:
        line = json.dumps({"error": sentence, "status": status}) if as_json else f"matcher: {sentence}"
        sys.stderr.write(line + "\n")
    sys.exit(status)


def _closed() -> NoReturn:
    """End as a pipe's reader asks by closing it: nothing is wrong."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    sys.exit(0)


if __name__ == "__main__":
    main()
