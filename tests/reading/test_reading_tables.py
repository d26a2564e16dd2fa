"""What each reader tells of the rows of its table (`tests/data/cases.json`)."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from tests.reading.test_clauses import hours_stated
from tests.reading.test_clauses_of_notices import described, ted
from tests.reading.test_fields import completed
from tests.reading.test_merge import METZ, ONE, structure
from tests.reading.test_reading import SAMPLE
from tests.reading.test_sources_decp import award
from tests.reading.test_sources_notices import ted as notice
from tests.reading.test_sources_own import read as notices
from tests.reading.test_sources_structures import read as structures

from matcher.domain import Clause, Criterion, Lot, Tender
from matcher.matching.reasons import clause_in_words
from matcher.reading import brochure, cancellation, clauses, consultation, criteria, files, terms
from matcher.reading.merge import merge
from matcher.reading.need import reservation_unread, typed_need
from matcher.reading.sources import _facts, _zones, table
from matcher.reading.sources._objet import lots_named
from matcher.reference.accents import repair
from matcher.reference.identifiers import name_identity
from matcher.reference.prose import folded, support_trade
from records import facts, misread, notice_of, under
from sheets import siret


def conditions(text: str) -> list[str]:
    return sorted({one.what.label for one in clauses.read(text).conditions})  # type: ignore[union-attr]


def weights(text: str) -> list[tuple[float | None, str]]:
    return [(one.weight, one.weight_unit) for one in clauses.read(text).social if one.nature == "criterion"]


def framework(text: str) -> str | None:
    return next((one.label for one in completed(text).conditions if one.code == "framework"), None)


def nature(stated: str) -> str:
    (tender,) = table.read(io.BytesIO(f"objet;acheteur;nature\nX;Y;{stated}\n".encode()), "notices.csv")
    return tender.nature


def departments(said: str) -> list[str]:
    zone = _zones.stated(said)
    return sorted(zone.departments if zone else ())


def reservation(words: str) -> str:
    return reservation_unread(typed_need(f"entretien des espaces verts, {words}"))[: len("« réservé »")]


def criterion(name: str) -> tuple[float | None, str] | None:
    lot = Lot(id="t/1", title="Entretien", criteria=(Criterion(name=name, kind="quality"),))
    made = clauses.complete(Tender(id="t", format="x", title="Entretien", lots=(lot,))).lots[0]
    return next(((one.weight, one.weight_unit) for one in made.clauses if one.nature == "criterion"), None)


def in_table(read: Callable[[str], Any], text: str, fields: str) -> Any:
    found, rejected = read(text)
    return rejected or under(found, fields)


def needs(text: str) -> list[Any]:
    lots = typed_need(text).lots
    return [
        sum("clause" not in lot.title for lot in lots),
        [one.hours for lot in lots for one in lot.clauses],
    ]


def one_house(kind: str, known_as: str, listed: str) -> bool:
    alone = structure(name_identity(known_as, METZ.commune), name=known_as, kind=kind)
    return [each.siret for each in merge([alone, structure(name=listed, source="b.csv")])[0]] == [ONE]


def source(path: str) -> str:
    (first, *_) = files.recognise("unnamed", (SAMPLE / path).read_bytes()[: files.HEAD])
    return first.__name__.rpartition(".")[2]


def withdrawn(text: str) -> str:
    found = cancellation.withdrawn(text)
    return "whole" if found.whole else " ".join(found.lots)


READERS: dict[str, Callable[..., Any]] = {
    "amounts of lots": lambda text: terms.amount(folded(text)),
    "months between two days": _facts.span,
    "months of days": _facts.months,
    "what a sentence withdraws": withdrawn,
    "durations": lambda text: terms.duration(folded(text)),
    "procedures in sentences": lambda text: (terms.adapted(folded(text)), terms.procedure(folded(text))),
    "criteria in running text": lambda text: [one.weight for one in completed(text).criteria],
    "criteria of contests": lambda text: [(c.name.rstrip(" :"), c.weight) for c in criteria.listed(text)],
    "agents and whom they buy for": _facts.principals,
    "frameworks and their holders": framework,
    "articles that stand there": clauses.articles,
    "hours of insertion": lambda text: hours_stated(clauses.read(text)),
    "conditions to know": conditions,
    "supports of insertion": support_trade,
    "weights of social criteria": weights,
    "natures in a table": nature,
    "lots of a text": lambda text: [(one.number, one.title) for one in consultation.lots_in(text)[0]],
    "lots of an objet": lambda text: dict(lots_named(text)[1]),
    "destroyed accents": repair,
    "ways to write an offer": lambda text: [offer.title for offer in brochure.propose(text)],
    "zones in a brochure": departments,
    "lists of works": lambda text: sorted({lot.title for lot in typed_need(text).lots}),
    "one need in many words": lambda text: len(typed_need(text).lots),
    "trades of needs": lambda text: [lot.trades for lot in typed_need(text).lots],
    "reservations not understood": reservation,
    "names of criteria": criterion,
    "shares of the work": lambda text: next(one.share for one in clauses.read(text).social if one.share),
    "clauses in words": lambda clause: clause_in_words(Clause(**clause)),
    "whom to ask": lambda body, text: facts(
        ted(described(1), buyers=body, text=f"<P>{text}</P>").contact, "name phone"
    ),
    "clauses of needs": needs,
    "formats by their content": source,
    "numbers of holders": lambda id, kind: under(
        award(titulaires=[{"typeIdentifiant": kind, "id": id}]).holders, "id flags"
    )[0],
    "natures of TED forms": lambda form, head: notice_of("ted", notice(form, head=head)).nature,
    "reservations in a column": lambda cell: getattr(
        notices(f"objet;acheteur;marché réservé\nTonte;Y;{cell}\n")[0][0].lots[0].reservation,
        "articles",
        None,
    ),
    "notices in tables": lambda column, text, fields: in_table(notices, text, fields),
    "structures in tables": lambda layout, text, fields: in_table(structures, text, fields),
    "names of kinds": lambda words: (
        structures(f"siret;nom;type;ville\n{siret(11)};X;{words};Metz\n")[0][0].kind
    ),
    "one house under two names": one_house,
}


@pytest.mark.parametrize("name", READERS)
def test_each_row_is_read_as_it_is_told(name: str) -> None:
    assert misread(name, READERS[name]) == {}
