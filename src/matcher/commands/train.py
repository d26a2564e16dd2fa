"""Learn what reads and ranks, from past awards, labelled notices and judged needs.

matcher train judgement --data ours --sets ours --structures directory.xlsx
"""

from datetime import date
from pathlib import Path
from typing import Any

import typer
from typer import Option

from matcher import plugins
from matcher.commands._options import day
from matcher.console import say
from matcher.domain import BadInput
from matcher.lab.training.texts import OURS
from matcher.reference import paths


def _released(made: object) -> None:
    """What was trained into models/ is what is used from now on."""
    paths.write_manifest(paths.models_dir())


def _into(name: str, what: str) -> Any:
    """The option --out of what is read from models/NAME: written there, wherever the command runs."""
    shown, here = f"models/{name} of the program", paths.models_dir() / name
    return Option(default_factory=lambda: here, show_default=shown, help=f"Where to write {what}.")


app = typer.Typer(help=__doc__, no_args_is_help=True, rich_markup_mode=None, result_callback=_released)


def _trained(name: str, *given: Any, what: str = "", **options: Any) -> Any:
    """What the training of this name makes; `what` it learns, by packages that only training needs."""
    if not OURS.is_dir():  # a wheel holds none
        raise BadInput(
            "learning needs data/training: run it in a clone, installed by `pip install -e '.[train]'`"
        )
    with plugins.optional("train", f"learning {what or name}"):
        return plugins.find("lab.training", name).train(*given, **options)


@app.command()
def manifest() -> None:
    """Write the checksums of the models as they are: models that another command trained, or that were put there.

    matcher train manifest
    """
    say("models/manifest.json written")


@app.command()
def encoder(
    data: Path = Option(..., help="Folder with awards/history.json.gz, nomenclatures/, notices/."),
    out: Path = Option(..., help="Folder to write the encoder and its card into."),
    before: date | None = Option(None, parser=day, help="Learn from awards before this day alone."),
    seed: int = Option(0, help="Random seed."),
) -> None:
    """Train the static encoder and write it in the sentence-transformers layout, with its card.

    matcher train encoder --data ../shared/data --out models/encoder
    """
    made = _trained("encoder", data, out, what="an encoder", before=before, seed=seed)
    say(f"encoder written to {made}")


#: What is learnt from one folder of data -> what it learns, and what the folder holds.
FROM_DATA = {
    "asks": (
        "to read what a lot asks for: trades, nature, size, who answers; prints figures cross-validated by notice",
        "judged/*.labels.jsonl, notices/ and awards/",
    ),
    "offers": (
        "to recognise trades in brochures, pages and declared objects of structures",
        "nomenclatures/, for job titles",
    ),
    "names": (
        "which trades the name of a structure tells; prints figures of names not learnt from",
        "structures/",
    ),
    "priors": (
        "which trades kind, activity code and name make likely; prints figures cross-validated by structure",
        "structures/",
    ),
    "said": (
        "to compare declared texts with needs by their meaning, taught by the CPV model",
        "nomenclatures/ and awards/",
    ),
}


def _learns(name: str, learns: str, holds: str) -> None:
    """A command that learns from a folder of data, and prints the figures of what it learnt where there are any."""
    part = name in ("priors", "said")  # of the judgement
    into = _into(*(("judgement", f"{name}.npz") if part else (name, "the weights and the card")))
    needed = ... if name != "offers" else None

    def learn(data: Path | None = Option(needed, help=f"Folder with {holds}."), out: Path = into) -> None:
        made = _trained(name, data, out)
        say(*(f"{what}: {figure:.3f}" for what, figure in made.items()) if isinstance(made, dict) else ())
        say(f"{name} written to {out}")

    app.command(name, help=f"Learn {learns}.\n\nmatcher train {name} --data ../shared/data")(learn)


for name_, about in FROM_DATA.items():
    _learns(name_, *about)


@app.command()
def judgement(
    data: Path = Option(
        ..., help="Folder with judged/; structures/ and awards/history.json.gz where there are any."
    ),
    sets: str = Option(
        "notices_dev,typed_dev,spoken_dev,mixed_dev", help="NAME.queries.jsonl, NAME.judged.jsonl in judged/."
    ),
    structures: Path | None = Option(None, help="The directory that was judged: a spreadsheet will do."),
    out: Path = _into("judgement", "the tables and the card"),
) -> None:
    """Learn from judged pairs of a need and a structure which structures are leads; prints cross-validated figures.

    Needs the extra `maillage[train]`.  What is learnt is used from the default of --out.

    matcher train judgement --data ../shared/data
    """
    directory = structures or data / "structures" / "siae_2021.jsonl"
    history = data / "awards" / "history.json.gz"
    with plugins.optional("train", "learning the judgement"):
        __import__("lightgbm")  # before the work that it ends
    made = _trained("judgement", data / "judged", sets.split(","), [directory], [history], out, data)
    say(f"judgement written to {made}")


@app.command()
def cpv(
    data: Path = Option(..., help="Folder with awards/history.json.gz, nomenclatures/, notices/."),
    out: Path = Option(..., help="Folder to write the model into."),
    encoder: Path | None = Option(None, help="The encoder to use; by default the shipped one."),
) -> None:
    """Train the CPV suggestion: fit, calibrate on later awards, write arrays and JSON.

    matcher train cpv --data ../shared/data --out models/cpv
    """
    say(f"CPV model written to {_trained('cpv', data, out, encoder)}")


@app.command()
def clauses(
    passages: Path = Option(
        Path("data/training/clauses.jsonl.gz"), help="text, author, reserved, social_clause."
    ),
    tests: Path = Option(Path("tests/data"), help="Folder of the development passages of the tests."),
    out: Path = _into("clauses", "the weights and the card"),
    notices: Path | None = Option(None, help="Labelled TED notices; by default those of MATCHER_SHARED."),
    judged: Path | None = Option(None, help="Their labels; by default clauses_dev.jsonl of MATCHER_SHARED."),
) -> None:
    """Train the classifier of reservations, social conditions and social criteria.

    From labelled real notices, then from this project's own passages.

    matcher train clauses
    """
    data = paths.shared_dir() / "data"
    notices, judged = notices or data / "notices" / "ted", judged or data / "judged" / "clauses_dev.jsonl"
    labelled = (notices, judged) if notices.is_dir() and judged.is_file() else (None, None)
    if labelled == (None, None):
        say("no labelled notices in MATCHER_SHARED: learning from our own passages alone")
    say(f"clause model written to {_trained('clauses', passages, tests, out, *labelled)}")
