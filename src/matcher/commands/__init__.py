"""Commands of the terminal: the file name is the command.

To add one, write `commands/NAME.py` with a function `run` (typer options in its signature, a docstring
with examples), or with `app`, a typer.Typer whose help is the module's docstring, where the command has
subcommands.  The command that is typed is imported alone, and `matcher --help` reads docstrings in the files.
"""
