"""The `matcher` command: parses, calls one public function, prints.

Exit status: 0 when at least one record was valid, 2 on wrong usage or when no valid record is left,
1 on an internal error.
"""

from __future__ import annotations

import os
import sys

import typer

from matcher import plugins
from matcher.console import say
from matcher.domain import MatcherError, __version__

HELP = """Match French public tenders to structures of the social economy, and propose groups and partners.

Start with `matcher index data/sample`, then `matcher match data/sample/*.json`.
Every command has its own --help with examples.
"""


def build(only: str = "") -> typer.Typer:
    """The application with every command of the package `commands`, or the one that `only` names, as typed."""
    app = typer.Typer(
        help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )  # fmt: skip

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
        module = plugins.find("commands", name)
        word = name.replace("_", "-")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=word)
        else:
            app.command(word)(module.run)
    return app


def main() -> None:
    """Run one command; a user-correctable error becomes one sentence on stderr and exit status 2."""
    try:
        build(next(iter(sys.argv[1:]), ""))()  # the other commands are not imported: a tenth of a second
    except MatcherError as error:
        say(f"matcher: {error}")
        sys.exit(2)
    except FileNotFoundError as error:
        say(f"matcher: no such file: {error.filename}; check the path")
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        say("matcher: interrupted")
        sys.exit(130)
    except Exception as error:
        if os.environ.get("MATCHER_DEBUG"):
            raise
        say(f"matcher: internal error: {type(error).__name__}: {error} (MATCHER_DEBUG=1 shows where)")
        sys.exit(1)


if __name__ == "__main__":
    main()
