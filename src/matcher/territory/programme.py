"""The potential of a programme of planned purchases: for each line a way to buy, who and how many, hours, and totals.

A programme is unpublished: nothing of it enters opportunities, exposure or statistics.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from matcher import codec
from matcher.domain import BadInput, Rejected, Tender
from matcher.reading import terms
from matcher.reading.need import sized_need
from matcher.reference.identifiers import clean_amount
from matcher.reference.prose import folded
from matcher.reference.text import fold
from matcher.territory import exports, potential, sheets
from matcher.territory.areas import place_of
from matcher.territory.counts import Desk, need_of
from matcher.territory.potential import Given

MOST = 200  # lines of a programme
FIELDS = {
    "need": "objet besoin intitule designation libelle achat description",
    "months": "duree mois",
    "most": "montant_max valeur_max estimation_max maxi maximum plafond",
    "amount": "montant estimation budget cout prix",
    "place": "lieu commune ville localisation site code_postal departement",
    "like": "besoins_semblables semblables",
    "reference": "reference numero n id code",
}
#: Fields that are amounts -> what they are called.
AMOUNTS = {"amount": "montant", "most": "montant maximum", "like": "besoins semblables"}
THOUSANDS = {r"\bk ?(€|eur)|\bmilliers": 1_000, r"\bm ?(€|eur)|\bmillions": 1_000_000}
VAT = 1.2
UNDECIDED = r"a (definir|preciser|estimer|chiffrer)|en cours|inconnu|n\.? ?[cd]\b|[?-]+$"
#: Columns of a line that a terminal shows.
SHORT = "ligne,objet,montant € HT,voie,à appeler,à vérifier,à interroger,heures d'insertion".split(",")
#: Code of an advice, without its condition -> what a line is told to be.
WAYS = {
    "direct": "achat direct",
    "direct-lot": "achat direct",
    "reserve": "marché réservé",
    "reserve-lot": "lot réservé",
    "reserve-ess": "marché réservé",
    "reserved": "déjà réservé",
    "allot": "allotir autrement",
    "clause": "clause sociale",
    "none": "rien en l'état",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A planned purchase as read, and its potential."""

    place: str  # in the file
    reference: str
    studied: potential.Potential

    @property
    def lot(self) -> potential.LotPotential:
        return self.studied.lots[0]

    @property
    def way(self) -> str:
        return WAYS[self.lot.advised.first.code.removesuffix("-if-verified")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """The lines studied, those rejected, and which column each field was read from."""

    lines: tuple[Line, ...]
    rejected: tuple[Rejected, ...]
    columns: Mapping[str, str]
    on: date
    sources: tuple[str, ...]
    assumed: tuple[str, ...]

    def totals(self) -> list[dict[str, Any]]:
        """One row for each way: lines, amount and hours."""
        ways: dict[str, list[Line]] = {}
        for line in self.lines:
            ways.setdefault(line.way, []).append(line)
        return [
            {
                "voie": way,
                "achats": len(own),
                "montant € HT": round(sum(one.lot.facts.lot_amount or 0.0 for one in own)),
                "heures d'insertion possibles": round(sum(map(_hours, own))),
            }
            for way, own in sorted(ways.items(), key=lambda item: -len(item[1]))
        ]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One flat row a line."""
        for line in self.lines:
            lot = line.lot
            yield {
                **codec.flat(line, "ligne=place, référence=reference"),
                **codec.flat(lot, "objet=lot.title, montant € HT=facts.lot_amount"),
                "lieu": ", ".join(place.label for place in lot.lot.places),
                "voie": line.way,
                **potential.advised_row(lot),
                "qui": " ; ".join(m.structure.known_as for m in lot.first),
                "heures d'insertion": round(_hours(line)),
                "facilitateur": lot.facilitator,
            }

    def workbook(self) -> bytes:
        """The programme as XLSX: lines, totals, rejected lines, sources and assumptions."""
        rejected = [{"où": bad.record, "pourquoi": bad.reason} for bad in self.rejected]
        sheets_ = {"Achats": self.rows(), "Totaux": self.totals(), "Écartés": rejected}
        return exports.workbook(sheets_, (*self.sources, *self.assumed, f"calculé le {self.on:%d/%m/%Y}"))


def _hours(line: Line) -> float:
    """Hours of insertion that a clause on the line would make; none where nobody would carry them or they are too few."""
    facts = line.lot.facts
    hours = facts.clause_hours or 0.0
    return hours if facts.carriers and hours >= facts.least_hours else 0.0


def read(data: bytes, name: str) -> tuple[list[tuple[str, str, Tender, float | None]], sheets.Sheet]:
    """(place in the file, reference, need, euros of like needs) of each line, and the table; a bad line is rejected there.

    Raises BadInput where no line is good.
    """
    sheet = sheets.read(data, name, FIELDS, {"need": "objet"}, MOST)
    units = {field: _unit(heading) for field, heading in sheet.columns.items() if field in AMOUNTS}
    good, bad = sheet.parsed(lambda where, row: (where, row.get("reference", ""), *_planned(row, units)))
    read_as = {field: unit.shown for field, unit in units.items() if unit.shown}
    columns = {field: f"{name}{read_as.get(field, '')}" for field, name in sheet.columns.items()}
    return good, replace(sheet, rejected=bad, columns=columns)


@dataclass(frozen=True, slots=True)
class Unit:
    """What the heading of a column says of its amounts: by what they are multiplied, are they of a year, how that is shown."""

    worth: float = 1.0
    yearly: bool = False
    shown: str = ""


def _unit(heading: str) -> Unit:
    said = fold(heading)
    large = next((n for words, n in THOUSANDS.items() if re.search(words, said)), 1)
    taxed, yearly = "ttc" in said, "annuel" in said or bool(re.search(r"\bpar an\b", said))
    notes = [f"en {'milliers' if large == 1_000 else 'millions'} d'euros"] if large > 1 else []
    notes += ["TTC, ramené hors taxes à 20 % de TVA"] * taxed + ["par an"] * yearly
    return Unit(large / (VAT if taxed else 1.0), yearly, f" ({', '.join(notes)})" if notes else "")


def _planned(row: Mapping[str, str], units: Mapping[str, Unit]) -> tuple[Tender, float | None]:
    need = row.get("need", "")
    if not any(c.isalpha() for c in need):
        raise BadInput("objet vide : dites ce qui sera acheté")
    if re.match(r"(sous.)?tota(l|ux)\b", fold(need)):
        raise BadInput("ligne de total : laissée de côté")
    amounts = {
        field: _amount(row.get(field, ""), words, units.get(field)) for field, words in AMOUNTS.items()
    }
    tender = need_of(need, place_of(row.get("place", "")))
    (lot,) = tender.lots
    field = "most" if amounts["most"] else "amount"
    yearly = field in units and units[field].yearly
    lot = replace(lot, **_lasting(row.get("months", "")), amount_period="year" if yearly else "total")
    return sized_need(replace(tender, lots=(lot,)), amounts[field]), amounts["like"]


def _amount(text: str, words: str, unit: Unit | None) -> float | None:
    """Euros before tax.  Raises BadInput on what is none, unless it says that it is not known yet."""
    if text == "0":
        return 0.0
    value = clean_amount(text)
    if value is None:
        if text and not re.match(UNDECIDED, fold(text)):
            raise BadInput(f"{words} illisible « {text[:30]} » : écrivez 45 000 ou 45000,50")
        return None
    # a cell that has its own unit does not take that of its heading
    own = re.search(r"\d\s*(k|m)", fold(text))
    return value * (unit.worth if unit and not own else 1.0)


def _lasting(text: str) -> dict[str, Any]:
    """The duration, with its renewals, of a cell: months, or words as a notice has them."""
    months = clean_amount(text)
    if months is not None:
        return {"duration_months": months}
    words = folded(f"durée : {text}")
    initial = terms.duration(words)
    return {"duration_months": initial, **terms.renewals(initial, words)} if initial else {}


def study(desk: Desk, data: bytes, name: str, given: Given | None = None) -> Programme:
    """The potential of every line of a programme (CSV or XLSX); `given` is what is said of the buyer.  Raises BadInput."""
    planned, sheet = read(data, name)
    lines = []
    for where, reference, tender, like in planned:
        own = replace(given or Given(), amount=None, like_needs=like)
        lines.append(Line(place=where, reference=reference, studied=potential.potential(desk, tender, own)))
    return Programme(
        lines=tuple(lines),
        rejected=tuple(sheet.rejected),
        columns=sheet.columns,
        on=desk.on,
        sources=(desk.source,),
        assumed=lines[0].studied.assumed,
    )
