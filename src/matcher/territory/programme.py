"""The potential of a programme of planned purchases: for each line a way to buy, who and how many, hours, and totals.

A programme is unpublished: nothing of it enters opportunities, exposure or statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from matcher import codec
from matcher.domain import BadInput, Rejected, Tender
from matcher.reference.identifiers import clean_amount
from matcher.territory import exports, potential, sheets
from matcher.territory.areas import somewhere
from matcher.territory.counts import Desk, need_of

MOST = 200  # lines of a programme
FIELDS = {
    "need": "objet besoin intitule designation libelle achat description",
    "amount": "montant estimation budget cout prix",
    "place": "lieu commune ville localisation site code_postal departement",
    "months": "duree mois",
    "like": "besoins_semblables semblables",
    "reference": "reference numero n id code",
}
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


def read(data: bytes, name: str) -> tuple[list[tuple[str, str, Tender, potential.Given]], sheets.Sheet]:
    """(place in the file, reference, need, what is given) of each line of a programme, and the table; a bad line is rejected there.

    Raises BadInput where no line is good.
    """
    sheet = sheets.read(data, name, FIELDS, {"need": "objet"}, MOST)
    good, bad = sheet.parsed(lambda where, row: (where, row.get("reference", ""), *_planned(row)))
    return good, replace(sheet, rejected=bad)


def _planned(row: Mapping[str, str]) -> tuple[Tender, potential.Given]:
    if not any(c.isalpha() for c in row.get("need", "")):
        raise BadInput("objet vide : dites ce qui sera acheté")
    amounts = {}
    for field, words in (("amount", "montant"), ("like", "besoins semblables")):
        text = row.get(field, "")
        amounts[field] = clean_amount(text)
        if text and amounts[field] is None and text != "0":
            raise BadInput(f"{words} illisible « {text[:30]} » : écrivez 45 000 ou 45000,50")
    months = clean_amount(row.get("months", "").removesuffix("mois").strip())
    tender = need_of(row["need"], somewhere(row["place"]) if row.get("place") else None, months)
    like = 0.0 if row.get("like") == "0" else amounts["like"]
    return tender, potential.Given(amount=amounts["amount"], like_needs=like)


def study(desk: Desk, data: bytes, name: str, given: potential.Given | None = None) -> Programme:
    """The potential of every line of a programme (CSV or XLSX); `given` is what is said of the buyer.  Raises BadInput."""
    planned, sheet = read(data, name)
    common = given or potential.Given()

    def studied(own: potential.Given, tender: Tender) -> potential.Potential:
        given = replace(common, amount=own.amount, like_needs=own.like_needs)
        return potential.potential(desk, tender, given)

    lines = tuple(
        Line(place=where, reference=reference, studied=studied(own, tender))
        for where, reference, tender, own in planned
    )
    return Programme(
        lines=lines,
        rejected=tuple(sheet.rejected),
        columns=sheet.columns,
        on=desk.on,
        sources=(desk.source,),
        assumed=lines[0].studied.assumed,
    )
