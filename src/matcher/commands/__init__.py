"""Commands of the terminal: the file name is the command.

To add one, write `commands/NAME.py` with a function `run` (typer options in its signature, a docstring
with examples), or with `app`, a typer.Typer, where the command has subcommands.  Heavy imports are
inside the function: `matcher --help` must stay under half a second.
"""
