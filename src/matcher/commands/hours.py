"""Hours of insertion, promised and done; the OETH effect."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import typer
from typer import Argument, Option

from matcher import codec
from matcher.commands import _options as options
from matcher.commands._options import CATALOGUE, KEY, Files, Folder, Output, ReferenceDay, proved
from matcher.console import emit, say
from matcher.domain import BadInput
from matcher.records import facilitators, worked
from matcher.reference.french import counted, euros
from matcher.territory import hours as desk
from matcher.territory import ledger
from matcher.territory.areas import place_of
from matcher.territory.counts import trades_of

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def plan(
    need: Annotated[str, Argument(help="What is bought, in your own words.")],
    amount: Annotated[float, Option(help="Euros before tax, for the whole duration.")],
    place: Annotated[str, Option(help="Commune, postcode or department.")] = "",
    months: Annotated[float | None, Option(help="Duration in months.")] = None,
    share: Annotated[list[float] | None, Option(help="% of the hours; default 5, 7 and 10.")] = None,
    labour: Annotated[float | None, Option(help="% of labour; by default the table's.")] = None,
    hourly: Annotated[float | None, Option(help="Euros an hour; by default the table's.")] = None,
    catalogue: Folder = CATALOGUE,
    format: Output = "table",
) -> None:
    """Hours of insertion for 5, 7 and 10 %, in full-time equivalents, and who in reach could carry them.

    \b
    matcher hours plan "peinture d'une école" --amount 300000 --months 8 --place Montreuil
    matcher hours plan "nettoyage" --amount 90000 --labour 85 --hourly 24
    """
    where = place_of(place)
    if labour is not None and not 0 < labour <= 100:
        raise BadInput(f"--labour {labour:g} : donnez une part de 0 à 100 %")
    if hourly is not None and not 0 < hourly <= 1000:
        raise BadInput(f"--hourly {hourly:g} : donnez le coût d'une heure en euros")
    percents = tuple(value / 100 for value in share) if share else desk.SHARES
    part = None if labour is None else labour / 100

    made = desk.of_need(
        options.desk(catalogue),
        need,
        where,
        amount=amount,
        months=months,
        shares=percents,
        labour=part,
        hourly_cost=hourly,
    )
    if format == "jsonl":
        emit([{**codec.to_json(made), "facilitator": facilitators.named(where)}], "jsonl")
        return
    targets = (
        {"part": f"{100 * t.share:g} %", "heures": round(t.hours), "ETP": round(t.fte, 2)}
        | {"ETP (conventionnement ACI)": round(t.fte_insertion, 2)}
        for t in made.targets
    )
    emit(targets, format, f"{made.worked:.0f} heures travaillées, pour {euros(amount)} HT")
    if format == "table":
        columns = "structure=name, type=kind, commune=town, km=kilometres, comment=way, pourquoi=reason"
        carriers = (
            codec.flat(c, columns) | {"vérifiée active": "oui" if c.verified else "non", "source": c.source}
            for c in made.carriers
        )
        emit(carriers, format)
    if made.labour.key == "rest":
        say("métier non reconnu : la ligne générale de la table est employée")
    _explain(made, (*(f"source : {s}" for s in made.sources), facilitators.named(where)))


@app.command()
def oeth(
    purchase: Annotated[float, Argument(help="Euros before tax paid in the year to an EA or ESAT.")],
    rate: Annotated[float | None, Option(help="Direct employment rate in %, 4.2 for 4,2 %.")] = None,
    contribution: Annotated[float | None, Option(help="Gross contribution of the year, euros.")] = None,
    labour_cost: Annotated[float | None, Option(help="Labour cost attested by the supplier.")] = None,
    need: Annotated[str, Option(help="What is bought: the share of labour of its trade.")] = "",
    headcount: Annotated[float | None, Option(help="Employees of the buyer.")] = None,
    place: Annotated[str, Option(help="Commune, postcode or department: its facilitator is named.")] = "",
    on: ReferenceDay = None,
    format: Output = "table",
) -> None:
    """The OETH deduction for a purchase from an EA or ESAT; needs the employment rate.

    \b
    matcher hours oeth 20000 --rate 2.5 --contribution 15000 --need "entretien d'espaces verts"
    """
    (trades,) = trades_of([need], [()]) if need else ((),)
    percent = None if rate is None else rate / 100
    given = {"contribution": contribution, "labour_cost": labour_cost, "headcount": headcount}
    cost = desk.labour_of(trades) if trades else None
    made = desk.oeth(purchase, percent, on=on or date.today(), labour=cost, **given)
    if format == "jsonl":
        emit([codec.to_json(made)], "jsonl")
        return
    emit([codec.flat(made, DEDUCTION)], format)
    _explain(made, (facilitators.named(place_of(place)),))


DEDUCTION = (
    "achat HT=purchase, coût de main-d'œuvre=labour_cost, déductible avant plafond=deductible, plafond=cap, "
    "déduction=deduction"
)


def _explain(made: Any, more: Iterable[str]) -> None:
    assumed, rules = (f"hypothèse : {a}" for a in made.assumed), (f"règle : {r}" for r in made.rules)
    say(*made.notes, *assumed, *rules, *more)


@app.command()
def done(
    files: Annotated[Files, Argument(help="To enter first: contract, SIRET, month, hours.")] = None,
    siret: Annotated[str, Option(help="Of a table without this column.")] = "",
    contract: Annotated[str, Option(help="Of a table without this column: its notice or number.")] = "",
    lines: Annotated[bool, Option("--lines", help="Every line, rather than one a contract.")] = False,
    key: str = KEY,
    format: Output = "table",
) -> None:
    """Hours done on contracts beside those promised, that your key may see; enters the tables given.

    \b
    matcher hours done heures-mai.xlsx --contract 26-130101
    matcher hours done --lines --format csv > heures.csv
    """
    with proved(key) as (store, bearer):
        for path in files or ():
            good, bad = ledger.read_hours(path.read_bytes(), path.name, siret, contract)
            worked.enter(store, bearer, good)
            say(f"{path.name} : {counted(len(good), 'ligne notée')}")
            options.rejects(bad)
        seen = worked.listing(store, bearer)
    if lines:
        emit(ledger.hours_rows(seen), format)
        return
    contracts = ledger.contracts(seen)
    whole = [ledger.counted("tous les marchés", seen)] if len(contracts) > 1 else []

    def row(one: ledger.Contract) -> dict[str, Any]:
        cells = codec.flat(one, "marché=name, heures réalisées=done, heures promises=promised")
        cells |= {"% de l'objectif": one.part and round(100 * one.part), "personnes (au moins)": one.people}
        return cells if format == "table" else cells | {**one.by_category}

    emit(map(row, (*contracts, *whole)), format)
