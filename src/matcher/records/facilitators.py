"""Facilitators of a place: the operator's file, by commune and department; overlaps are all named.

The file is a CSV: `id`, `name`, `kind` (PLIE, maison de l'emploi, EPT, département ...), `communes` and
`departments` (codes, postcodes or names, separated by commas or `|`), `trades`, `email`, `phone`, `website`, `source`,
`date`.  It is kept in `MATCHER_HOME/facilitators.csv`, and written by the page too.  Referrals and consents are entries of the store's
journal, which keeps them a year: an early sight that nobody renews ends by itself.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from matcher import codec
from matcher.domain import BadInput, Forbidden, NotFound, Place, Rejected, Tender
from matcher.records.keys import Bearer
from matcher.records.store import Store
from matcher.records.tables import Audit, Notice
from matcher.reference import places as places_
from matcher.reference import tables, toponyms
from matcher.reference.identifiers import clean_date
from matcher.reference.paths import locked, write_whole
from matcher.reference.text import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Facilitator:
    """Who brings buyers and structures together somewhere; contacts are those the operator gives."""

    id: str
    name: str
    kind: str = ""
    communes: tuple[str, ...] = ()  # INSEE codes
    departments: tuple[str, ...] = ()
    trades: str = ""  # in words; "" all
    email: str = ""
    phone: str = ""
    website: str = ""
    source: str = ""
    on: date | None = None

    def shown(self) -> str:
        """Name, contact, source and date, in French."""
        contact = ", ".join(filter(None, (self.phone, self.email, self.website))) or "contact non renseigné"
        day = f" du {self.on:%d/%m/%Y}" if self.on else ", date non précisée"
        kind = f" ({self.kind})" if self.kind else ""
        trades = f", pour {self.trades}" if self.trades else ""
        return f"{self.name}{kind}{trades} : {contact} [source : {self.source or 'fichier de l’exploitant'}{day}]"


#: How one is added.
ADD = "ajoutez-le sur la page des facilitateurs"
COLUMNS = tuple("id name kind communes departments trades email phone website source date".split())
_HEADINGS = {
    "id": "id", "identifiant": "id", "name": "name", "nom": "name", "facilitateur": "name", "kind": "kind",
    "type": "kind", "communes": "communes", "commune": "communes", "departments": "departments",
    "departements": "departments", "departement": "departments", "trades": "trades", "metiers": "trades",
    "email": "email", "courriel": "email", "phone": "phone", "telephone": "phone", "website": "website",
    "site": "website", "source": "source", "date": "date",
}  # fmt: skip


def file() -> Path:
    """Where the operator's file is kept."""
    return tables.user_dir() / "facilitators.csv"


def read(path: Path | None = None) -> tuple[tuple[Facilitator, ...], tuple[Rejected, ...]]:
    """The facilitators of a file (the operator's by default, none where there is none), and the rows rejected."""
    path = path or file()
    if path == file() and not path.is_file():
        return (), ()
    fields, rows = tables.named_rows(path, _HEADINGS)
    if "name" not in fields or not {"communes", "departments"} & fields:
        raise BadInput(f"{path} : il faut les colonnes nom, et communes ou departements")
    good: dict[str, Facilitator] = {}
    bad = []
    for number, row in enumerate(rows, 2):
        try:
            made = _made(row)
            if made.id in good:
                raise BadInput(f"l'identifiant {made.id} est donné deux fois : gardez-en un")
            good[made.id] = made
        except BadInput as error:
            bad.append(Rejected(path=str(path), record=f"ligne {number}", reason=str(error)))
    return tuple(good.values()), tuple(bad)


def _made(row: dict[str, str]) -> Facilitator:
    if not row.get("name"):
        raise BadInput("aucun nom : remplissez la colonne nom")
    words = _words(row.get("communes", ""))
    communes = tuple(dict.fromkeys(code for word in words for code in _communes(word)))
    departments = {word: places_.department_typed(word) for word in _words(row.get("departments", ""))}
    if wrong := [word for word, code in departments.items() if not code]:
        raise BadInput(f"le département {wrong[0]!r} n'existe pas : écrivez son code")
    if not communes and not departments:
        raise BadInput("aucun territoire : remplissez communes ou departements")
    names = ("name", "kind", "trades", "email", "phone", "website", "source")
    given = {name: row.get(name, "") for name in names}
    identifier = row.get("id") or "-".join(fold(row["name"]).split())[:60]
    day = clean_date(row.get("date"))
    codes = tuple(filter(None, departments.values()))
    return Facilitator(id=identifier, communes=communes, departments=codes, on=day, **given)


def _words(cell: str) -> list[str]:
    return [word.strip() for word in re.split(r"[;|,]", cell) if word.strip()]


def _communes(word: str) -> tuple[str, ...]:
    if served := places_.communes_of_postcode(word):
        return tuple(commune.code for commune in served)
    if (found := places_.commune(word)) is not None:
        return (found.code,)
    with suppress(BadInput, ValueError):
        (place,) = toponyms.asked(word)
        if place.commune:
            return (place.commune,)
        if place.grouping:
            return places_.groupings()[place.grouping].members
    odd = f"la commune « {word} » n'est pas reconnue, ou plusieurs portent ce nom"
    raise BadInput(f"{odd} : ajoutez le département, Saint-Denis (93)")


@contextmanager
def _alone() -> Iterator[None]:
    """One writer of the file at a time, of all processes: each writes what it has read."""
    with locked(file().parent / ".facilitators.lock", wait=True):
        yield


@_alone()
def keep(path: Path) -> tuple[tuple[Facilitator, ...], tuple[Rejected, ...]]:
    """Take a file as the operator's.  Raises BadInput where no row is good: the former file then stays."""
    good, bad = read(path)
    if not good:
        why = bad[0].reason if bad else "fichier vide"
        raise BadInput(f"{path} : aucune ligne n'est lisible ({why}) ; rien n'est changé")
    _write(replace(one, source=one.source or path.name, on=one.on or date.today()) for one in good)
    return good, bad


def _write(known: Iterable[Facilitator]) -> None:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for f in known:
        cells = (getattr(f, "on" if name == "date" else name) or "" for name in COLUMNS)
        table.writerow("|".join(cell) if isinstance(cell, tuple) else cell for cell in cells)
    write_whole(file(), out.getvalue())


@_alone()
def put(given: Mapping[str, str]) -> Facilitator:
    """Add a facilitator, or replace the one of the same `id`.  `territory` names communes and departments, separated by commas.

    Raises BadInput where the name or the territory is missing, or names no place.
    """
    words = _words(given.get("territory", ""))
    areas = [w for w in words if places_.department_typed(w) and not places_.communes_of_postcode(w)]
    communes = [word for word in words if word not in areas]
    row = {**given, "communes": "|".join(communes), "departments": "|".join(areas)}
    made = replace(_made(row), source="saisi sur la page", on=date.today())
    others = [one for one in read()[0] if one.id != made.id]
    if not given.get("id") and len(others) < len(read()[0]):
        raise BadInput(f"« {made.name} » existe déjà : modifiez-le dans la liste")
    _write([*others, made])
    return made


@_alone()
def remove(identifier: str) -> None:
    """Remove a facilitator.  Raises NotFound for an unknown one."""
    gone = _known(identifier)
    _write(one for one in read()[0] if one.id != gone.id)


def territory(one: Facilitator) -> str:
    """Its territory by names separated with commas, as it can be typed again."""
    communes = (places_.commune(code) for code in one.communes)
    departments = (places_.department(code) for code in one.departments)
    names = [f"{c.name} ({c.department})" for c in communes if c]
    return ", ".join([*names, *(d.name for d in departments if d)])


def of(place: Place, known: Iterable[Facilitator] | None = None) -> tuple[Facilitator, ...]:
    """Every facilitator of a place, the one of its commune before the one of its department."""
    located = places_.locate(place)
    listed = read()[0] if known is None else tuple(known)
    code = located.commune or ""
    towns = {code, places_.city_of(code)} - {""}  # a city that is cut in arrondissements holds them
    near = [f for f in listed if towns & {*f.communes}]
    wide = [f for f in listed if f not in near and located.department and located.department in f.departments]
    near.sort(key=lambda f: (len(f.communes), f.id))
    return (*near, *sorted(wide, key=lambda f: (len(f.departments), f.id)))


def named(place: Place | None, known: Iterable[Facilitator] | None = None) -> str:
    """The sentence of every answer of the desk that names the facilitator of the place; that asks for one of None."""
    if place is None:
        return "Facilitateur : donnez le lieu (commune, code postal ou département) pour qu'il soit nommé."
    return of_areas((place,), known)[0]


def of_areas(places: Iterable[Place], known: Iterable[Facilitator] | None = None) -> tuple[str, ...]:
    """The sentence of each place, those without a facilitator joined into one, the file being read once."""
    listed = read()[0] if known is None else tuple(known)
    found, without = [], []
    for place in places:
        where = places_.locate(place)
        whole = places_.department(where.department or "")
        label = where.label or (whole.name if whole else "ce lieu")
        if near := of(place, listed):
            several = " (territoires qui se recouvrent, du plus local au plus large)" if len(near) > 1 else ""
            found.append(f"Facilitateur de {label}{several} : " + " ; ".join(f.shown() for f in near))
        else:
            without.append(label)
    if without:
        labels = list(dict.fromkeys(without))
        more = f" et {len(labels) - 12} autres" if len(labels) > 12 else ""
        shown = f"{', '.join(labels[:12])}{more}"
        ask = f"Demandez-le à votre coordination départementale, puis {ADD}."
        found.append(f"Facilitateur : aucun n'est connu pour {shown}. {ask}")
    return tuple(found)


# --------------------------------------------------------------------------------- referrals and consent


def refer(store: Store, actor: str, facilitator: str, subject: str, note: str = "") -> None:
    """Record that a need or a notice was referred to a facilitator.  Raises NotFound for an unknown one."""
    found = _known(facilitator)
    if not subject.strip():
        raise BadInput("orientation sans objet : donnez l'identifiant de l'avis ou du besoin")
    with store.writing(actor, "referral", subject[:200], {"facilitator": found.id, "note": note[:300]}):
        pass


def referrals(store: Store, facilitator: str = "") -> list[dict[str, Any]]:
    """The referrals recorded, newest first: facilitator, subject, actor, at, note."""
    rows = ({**row, "note": "", **row["detail"]} for row in reversed(_journal(store, ("referral",))))
    return [row for row in rows if facilitator in ("", row["facilitator"])]


def allow(store: Store, bearer: Bearer, need: str, facilitator: str, *, withdraw: bool = False) -> None:
    """A buyer lets a facilitator see its unpublished need, or takes that back.

    Raises NotFound for an unknown need or facilitator, Forbidden where the need is another buyer's.
    """
    found = _known(facilitator)
    owner = store.ask(select(Notice.owner).where(Notice.id == need)).scalar()
    if not owner:
        raise NotFound(f"aucun besoin non publié ne porte l'identifiant {need!r}")
    if owner not in {bearer.id, bearer.actor, f"key:{bearer.id}"}:
        raise Forbidden("ce besoin n'est pas le vôtre : seul son acheteur peut le montrer")
    action = "need-hidden" if withdraw else "need-shown"
    with store.writing(bearer.actor, action, need, {"facilitator": found.id}):
        pass


def early(store: Store, facilitator: str) -> list[Tender]:
    """The unpublished needs that their buyers show to this facilitator, by their last word, and no other."""
    id, journal = _known(facilitator).id, _journal(store, ("need-shown", "need-hidden"))
    mine = (row for row in journal if row["detail"].get("facilitator") == id)
    shown = {row["subject"]: row["action"] == "need-shown" for row in mine}
    rows = store.ask(select(Notice.id, Notice.tender).where(Notice.owner != "")).all()
    return [codec.from_json(Tender, need) for name, need in rows if shown.get(name)]


def _known(facilitator: str) -> Facilitator:
    found = next((one for one in read()[0] if one.id == facilitator), None)
    if found is None:
        none = f"aucun facilitateur ne porte l'identifiant {facilitator!r}"
        raise NotFound(f"{none} : `matcher facilitators list` les montre")
    return found


def _journal(store: Store, actions: Sequence[str]) -> list[dict[str, Any]]:
    columns = (Audit.action, Audit.subject, Audit.actor, Audit.at, Audit.detail)
    rows = store.ask(select(*columns).where(Audit.action.in_(actions)).order_by(Audit.id))
    return [dict(row._mapping) for row in rows]
