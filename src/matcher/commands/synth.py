"""`matcher synth`: synthetic structures and notices for load tests."""

from pathlib import Path
from typing import Annotated

from typer import Option

from matcher.console import say
from matcher.lab import synth


def run(
    out: Annotated[Path, Option(help="The folder to write.")] = Path("var/synth"),
    structures: Annotated[int, Option(min=1, max=5_000_000, help="How many structures.")] = 1000,
    notices: Annotated[int, Option(min=0, max=1_000_000, help="Notices, of about three lots each.")] = 100,
    seed: Annotated[int, Option(help="The same seed gives the same data.")] = 0,
) -> None:
    """Generate a synthetic directory and notices of any size, resampled from observed trades, places and kinds.

    \b
    matcher synth --structures 100000 --notices 2000 --out var/load
    matcher index var/load/structures.csv --out var/load/catalogue
    """
    listed, called = synth.write(out, structures, notices, seed)
    say(f"{listed} and {called} written: {structures} structures, {notices} notices")
