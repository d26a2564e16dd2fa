"""Learn weights from past awards: the encoder, the CPV heads.

Examples:

    matcher train encoder --data ../shared/data --out models/encoder
    matcher train encoder --data mes-donnees --out mon-encodeur --before 2024-01-01
"""

from datetime import date
from pathlib import Path

import typer
from typer import Option

from matcher import plugins
from matcher.commands._options import day
from matcher.console import say


def _released(made: object) -> None:
    """What was trained into models/ is what is used from now on."""
    from matcher.reference import manifest, paths

    manifest.write(paths.models_dir())


app = typer.Typer(help=__doc__, no_args_is_help=True, rich_markup_mode=None, result_callback=_released)


@app.callback()
def _verbs() -> None:
    """Learn weights from past awards and from texts without winners."""


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
    from matcher.lab.training.encoder import train

    with plugins.optional("train", "learning an encoder"):
        say(f"encoder written to {train(data, out, before=before, seed=seed)}")


@app.command()
def ranker(
    data: Path = Option(..., help="Folder with awards/history.json.gz."),
    out: Path = Option(Path("models/ranker/learned.json"), help="The ranker file to write."),
    since: date = Option("2019-01-15", parser=day, help="Awards from this day on are used as queries."),
    encoder: Path | None = Option(None, help="Trained before that day; by default it is trained first."),
) -> None:
    """Learn the ranker's monotone step functions from rolling time splits of past awards.

    matcher train ranker --data ../shared/data --since 2019-01-15
    """
    from matcher.lab.training.ranker import train

    say(f"ranker written to {train(data, out, since, encoder)}")


@app.command()
def asks(
    data: Path = Option(..., help="Folder with judged/*.labels.jsonl, notices/ and awards/."),
    out: Path = Option(Path("models/asks"), help="Folder to write the weights and the card into."),
) -> None:
    """Learn to read what a lot asks for: trades, nature, size, who answers; prints figures cross-validated by notice.

    matcher train asks --data ../shared/data
    """
    from matcher.lab.training.asks import train

    train(data, out)
    say(f"model of lots written to {out}")


@app.command()
def offers(
    data: Path | None = Option(None, help="Folder with nomenclatures/, for job titles."),
    out: Path = Option(Path("models/offers"), help="Folder to write the weights and the card into."),
) -> None:
    """Learn to recognise trades in brochures, pages and declared objects of structures.

    matcher train offers --data ../shared/data
    """
    from matcher.lab.training.offers import train
    from matcher.learned.encoders import static

    say(f"offers written to {train(static.load(), out, data)}")


@app.command()
def judgement(
    data: Path = Option(
        ..., help="Folder with judged/; structures/ and awards/history.json.gz where there are any."
    ),
    sets: str = Option(
        "notices_dev,typed_dev,spoken_dev,mixed_dev", help="NAME.queries.jsonl, NAME.judged.jsonl in judged/."
    ),
    structures: Path | None = Option(
        None, help="The directory that was judged, as `matcher read` writes it."
    ),
    out: Path = Option(Path("models/judgement"), help="Folder to write the tables and the card into."),
) -> None:
    """Learn from judged pairs of a need and a structure which structures are leads; prints cross-validated figures.

    Needs the extra `maillage[train]`.  What is learnt is used from models/judgement, the default of --out.

    matcher train judgement --data ../shared/data
    """
    from matcher.lab.training.judgement import train

    directory = structures or data / "structures" / "siae_2021.jsonl"
    history = data / "awards" / "history.json.gz"
    with plugins.optional("train", "learning the judgement"):
        __import__("lightgbm")  # before the work that it ends
        path = train(data / "judged", sets.split(","), [directory], [history], out, data)
    say(f"judgement written to {path}")


@app.command()
def said(
    data: Path = Option(..., help="Folder with nomenclatures/ and awards/."),
    out: Path = Option(Path("models/judgement"), help="Folder to write said.npz into."),
) -> None:
    """Learn to compare declared texts with needs by their meaning, taught by the CPV model.

    matcher train said --data ../shared/data
    """
    from matcher.lab.training.said import train

    with plugins.optional("train", "learning declared texts"):
        path = train(data, out)
    say(f"said written to {path}")


@app.command()
def priors(
    data: Path = Option(..., help="Folder with structures/ and nomenclatures/."),
    out: Path = Option(Path("models/judgement"), help="Folder to write priors.npz into."),
) -> None:
    """Learn which trades kind, activity code and name make likely; prints figures cross-validated by structure.

    matcher train priors --data ../shared/data
    """
    from matcher.lab.training.priors import train

    for name, figure in train(data, out).items():
        say(f"{name}: {figure:.3f}")


@app.command()
def cpv(
    data: Path = Option(..., help="Folder with awards/history.json.gz, nomenclatures/, notices/."),
    out: Path = Option(..., help="Folder to write the model into."),
    encoder: Path | None = Option(None, help="The encoder to use; by default the shipped one."),
) -> None:
    """Train the CPV suggestion: fit, calibrate on later awards, write arrays and JSON.

    matcher train cpv --data ../shared/data --out models/cpv
    """
    from matcher.lab.training.cpv import train

    say(f"CPV model written to {train(data, out, encoder)}")


@app.command()
def clauses(
    passages: Path = Option(
        Path("data/training/clauses.jsonl.gz"), help="text, author, reserved, social_clause."
    ),
    tests: Path = Option(Path("tests/data"), help="Folder of the development passages of the tests."),
    out: Path = Option(Path("models/clauses"), help="Folder to write the weights and the card into."),
    notices: Path | None = Option(None, help="Labelled TED notices; by default those of MATCHER_SHARED."),
    judged: Path | None = Option(None, help="Their labels; by default clauses_dev.jsonl of MATCHER_SHARED."),
) -> None:
    """Train the classifier of reservations, social conditions and social criteria.

    From labelled real notices, then from this project's own passages.

    matcher train clauses
    """
    from matcher.lab.training.clauses import train
    from matcher.reference.paths import shared_dir

    data = shared_dir() / "data"
    notices, judged = notices or data / "notices" / "ted", judged or data / "judged" / "clauses_dev.jsonl"
    there = notices.is_dir() and judged.is_file()
    if not there:
        say("no labelled notices in MATCHER_SHARED: learning from our own passages alone")
    made = train(passages, tests, out, notices if there else None, judged if there else None)
    say(f"clause model written to {made}")
