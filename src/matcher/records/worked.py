"""Hours of insertion done on contracts, as the structures or the facilitator enter them, beside what was promised.

Nobody is named: hours are counted by month and category of person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from sqlalchemy import select

from matcher.domain import BadInput, Forbidden, NotFound
from matcher.records import exchange
from matcher.records.exchange import BuyerOf, nobody
from matcher.records.keys import Bearer
from matcher.records.store import Store, now
from matcher.records.tables import WorkedHours
from matcher.reference.identifiers import siret_valid
from matcher.reference.text import clean, fold

#: Code -> (its label, the words by which a table names it), in the order in which they are looked for.
CATEGORIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "rsa": ("allocataires du RSA ou d'un minimum social", ("rsa", "minim", "ass ", "aah")),
    "handicap": ("travailleurs handicapés", ("handicap", "boeth", "rqth", "th")),
    "young": ("jeunes peu qualifiés ou sans expérience", ("jeune", "moins de 26")),
    "senior": ("demandeurs d'emploi de 50 ans et plus", ("senior", "50 ans")),
    "long": ("demandeurs d'emploi de longue durée", ("deld", "longue duree", "chomeur")),
    "path": ("en parcours dans une structure d'insertion", ("siae", "iae", "parcours", "insertion")),
    "other": ("autres, avec l'accord du facilitateur", ("autre",)),
}
MOST = 100_000.0  # hours of one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """The hours that people of a category did on a contract in a month, employed or lent by a structure."""

    contract: str  # the id of its notice, or the buyer's number
    siret: str
    month: date  # its first day
    category: str = "other"  # of CATEGORIES
    hours: float = 0.0
    promised: float | None = None  # by this structure for the whole contract, where this line says it
    people: int | None = None
    part: str = ""  # what it does, of a group that won


def category_of(text: str) -> str:
    """The code of a category as it is typed; the last where nothing is.  Raises BadInput."""
    said = fold(text).strip()
    for code, (label, words) in CATEGORIES.items():
        if said in (code, fold(label)) or any(f" {word}" in f" {said} " for word in words):
            return code
    if said:
        known = ", ".join(words for words, _ in CATEGORIES.values())
        raise BadInput(f"catégorie {text[:30]!r} inconnue : {known}")
    return "other"


def enter(store: Store, bearer: Bearer, lines: Sequence[Worked]) -> None:
    """Write lines; one of the same contract, structure, month and category is replaced.

    A structure writes its own, a facilitator (the operator's key) those of all.  Raises Forbidden, BadInput.
    """
    moment = now()
    for line in lines:
        if line.siret not in bearer.sirets and not bearer.may("operator"):
            raise Forbidden(f"votre clé ne vaut pas pour le SIRET {line.siret!r} : chacun saisit ses heures")
        if not siret_valid(line.siret) or line.category not in CATEGORIES:
            raise BadInput("chaque ligne dit un SIRET valide et une catégorie connue")
        if not line.contract or len(line.contract) > 200:
            raise BadInput("dites de quel marché sont ces heures, en 200 caractères au plus")
        if not 0 <= line.hours <= MOST or line.month > moment.date():
            raise BadInput(f"des heures déjà faites, de 0 à {MOST:.0f} par mois : corrigez la ligne")
    facts = {"by": bearer.actor, "at": moment}
    rows = [asdict(line) | {"contract": clean(line.contract)} | facts for line in lines]
    with store.writing(bearer.actor, "hours.enter", detail={"lines": len(rows)}) as connection:
        store.put(connection, WorkedHours, rows)


def won(store: Store, bearer: Bearer, identifier: str, promised: float | None) -> None:
    """Enter one's own part of a group of the exchange that won, with the hours it promised: a line of which nothing is done yet.

    Raises NotFound where nobody agreed with each other on this declaration of one's own, BadInput before the deadline.
    """
    members = exchange.group(store, bearer, identifier)
    if not members:
        raise NotFound("personne ne s'est accordé sur cette annonce : il n'y a pas de part à noter")
    (offer,) = (one for one in exchange.listing(store, bearer, mine=True) if one.id == identifier)
    if offer.deadline > now():
        raise BadInput("la date limite de l'avis n'est pas passée : il n'est pas encore attribué")
    line = Worked(contract=offer.notice_id, siret=offer.siret, month=offer.deadline.date().replace(day=1))
    part = f"{members[0].role} : {members[0].part}"
    enter(store, bearer, [replace(line, promised=promised, part=part)])


def listing(store: Store, bearer: Bearer, buyer_of: BuyerOf = nobody) -> tuple[Worked, ...]:
    """The lines that a bearer may see, by contract and month: its own, those of its contracts, or all to a facilitator."""
    fields = [getattr(WorkedHours, name) for name in Worked.__slots__]
    query = select(*fields).order_by(WorkedHours.contract, WorkedHours.month, WorkedHours.siret)
    found = [Worked(**row._mapping) for row in store.ask(query)]
    mine = {c: buyer_of(c) for c in {line.contract for line in found}} if "buyer" in bearer.scopes else {}
    return tuple(
        line
        for line in found
        if bearer.may("operator") or line.siret in bearer.sirets or mine.get(line.contract)
    )
