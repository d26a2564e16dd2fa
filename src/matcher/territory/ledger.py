"""Purchases by kind of structure for a plan (SPASER) or a mission: the buyer's own ledger compared with DECP.

The ledger (CSV: SIRET, amount, year) holds every purchase; DECP misses the small ones and states what a
contract may cost, not what was paid: the two stand side by side and are never added.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import KINDS, SIAE_KINDS, Award, BadInput, Place, Rejected
from matcher.records import facilitators, worked
from matcher.records.worked import Worked
from matcher.reference import law, trades
from matcher.reference import places as places_
from matcher.reference.french import day as day_written
from matcher.reference.identifiers import clean_amount, digits, siren_valid, siret_valid
from matcher.reference.text import fold
from matcher.territory import exports, sheets
from matcher.territory.counts import trades_of

#: Amounts of an award that cannot be believed: placeholders, and euros typed as cents.
LEAST, MOST = 10.0, 500e6
UNKNOWN = "inconnu"
#: The groups in which a plan sets its targets.
GROUPS: tuple[tuple[str, frozenset[str]], ...] = (
    ("SIAE", SIAE_KINDS),
    ("EA", frozenset({"EA", "EATT"})),
    ("ESAT", frozenset({"ESAT"})),
    ("ESUS", frozenset({"ESUS"})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One line of a ledger: euros before tax paid to a SIRET in a year, hours of insertion promised and done."""

    siret: str
    amount: float
    year: int
    category: str = ""  # PME, ETI, GE, as the ledger says
    object: str = ""
    promised: float | None = None
    done: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The hours done on a contract, or on all of them, beside what was promised."""

    name: str
    done: float
    promised: float | None  # the sum of what each structure said last; None where none did
    towards: float  # hours done on contracts of which some are promised
    people: int  # at least: of each structure and category those of the month with most
    by_category: Mapping[str, float]  # label -> hours, most first
    by_structure: Mapping[str, float]  # SIRET -> hours, most first
    parts: Mapping[str, str]  # SIRET -> what it does, of a group that won
    last: date  # month of the last hours

    @property
    def part(self) -> float | None:
        """Of what was promised, 1 where all of it is done."""
        return self.towards / self.promised if self.promised else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table: how many and how much, in the ledger and in DECP."""

    key: str
    label: str
    paid: float = 0.0
    purchases: int = 0
    awarded: float = 0.0
    awards: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Part of a year's contracts or purchases, by number and amount; what is not stated is counted apart."""

    label: str
    year: str  # "" for all years together
    count: int
    known: int  # those of which it is stated, "none" being a statement
    unknown: int
    amount: float
    total: float  # amount of those known
    source: str

    @property
    def part(self) -> float | None:
        """By number, 0 to 1."""
        return self.count / self.known if self.known else None

    @property
    def worth(self) -> float | None:
        """By amount, 0 to 1."""
        return self.amount / self.total if self.total else None

    def shown(self) -> str:
        """In French, with its denominator."""
        if not self.known:
            return f"{self.label} : inconnu ({self.unknown} sans cette donnée)"
        silent = f" ; donnée absente pour {self.unknown}" if self.unknown else ""
        by_amount = f", {exports.percent(self.worth)} des montants" if self.total else ""
        by_number = f"{self.count} sur {self.known} ({exports.percent(self.part)}{by_amount})"
        return f"{self.label} : {by_number}{silent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole report; `tables` maps "cible", "type", "métier", "année", "département" to rows."""

    title: str
    tables: Mapping[str, tuple[Line, ...]]
    paid: float
    awarded: float
    shares: tuple[Share, ...]  # of all years together first, then year by year
    promised: float | None  # hours of insertion, where the ledger has them
    done: float | None
    small: int  # purchases to ESS structures whose bidder no award of DECP names in that year
    small_amount: float
    notes: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    sources: tuple[str, ...]
    on: date
    contracts: tuple[Contract, ...] = ()  # hours entered after the award
    facilitator: str = ""  # of the buyer's place, else of the departments of its purchases from structures


FIELDS = {
    "siret": "siret n_siret no_siret siret_fournisseur fournisseur",
    "amount": "montant montant_ht amount mandate",
    "year": "annee year exercice date",
    "category": "categorie category taille pme",
    "object": "objet object libelle",
    "promised": "heures_prevues heures_promises prevues",
    "done": "heures_realisees realisees",
}
NEEDED = {"siret": "SIRET", "amount": "montant", "year": "année"}


def read(data: bytes, name: str) -> tuple[list[Purchase], list[Rejected]]:
    """The purchases of a ledger (CSV or XLSX), and the rows rejected.  Raises BadInput where no column or no row is good."""
    return sheets.read(data, name, FIELDS, NEEDED).parsed(lambda _, row: _purchase(row))


AMOUNTS = {"hours": "heures", "promised": "heures promises", "people": "personnes"}
HOURS = {
    "contract": "marche contrat avis consultation operation",
    "siret": "siret n_siret structure",
    "month": "mois periode date",
    "category": "categorie public",
    "hours": "heures heures_realisees heures_faites realisees",
    "promised": "heures_prevues heures_promises objectif prevues promises",
    "people": "personnes nombre_de_personnes salaries",
    "part": "part role prestation",
}


def read_hours(
    data: bytes, name: str, siret: str = "", contract: str = ""
) -> tuple[list[Worked], list[Rejected]]:
    """The lines of hours done of a table (CSV or XLSX), of one structure or contract where given.  Raises BadInput, see `read`."""
    needed = {"month": "mois", "hours": "heures réalisées"}
    needed |= ({} if siret else {"siret": "SIRET"}) | ({} if contract else {"contract": "marché"})
    given = {"siret": siret, "contract": contract}
    return sheets.read(data, name, HOURS, needed).parsed(lambda _, row: hours_of({**given, **row}))


def hours_of(row: Mapping[str, str]) -> Worked:
    """A line of hours as it is typed.  Raises BadInput."""
    siret, month = digits(row.get("siret")), month_of(row.get("month", ""))
    if not siret_valid(siret):
        raise BadInput("SIRET faux (clé de contrôle) : corrigez-le")
    amounts = {field: amount_of(row, field) for field in AMOUNTS}
    people = amounts["people"]
    return Worked(
        contract=row.get("contract", "").strip(),
        siret=siret,
        month=month,
        category=worked.category_of(row.get("category", "")),
        hours=amounts["hours"] or 0.0,
        promised=amounts["promised"],
        people=None if people is None else round(people),
        part=row.get("part", "").strip(),
    )


def amount_of(row: Mapping[str, str], field: str) -> float | None:
    """One of AMOUNTS as it is typed; None where it is left out, which the hours may not be.  Raises BadInput."""
    text, amount = row.get(field, "").strip(), clean_amount(row.get(field))
    if amount is None and (text.strip("0,. ") or (field == "hours" and not text)):
        raise BadInput(f"{AMOUNTS[field]} illisibles « {text[:30]} » : écrivez 120 ou 120,5")
    return amount


def month_of(text: str) -> date:
    """The first day of a month written as 2026-05, 05/2026 or any of its days.  Raises BadInput."""
    words = [int(word) for word in text.replace("/", "-").split("-") if word.strip().isdecimal()]
    if len(words) in (2, 3):
        year, month = (words[0], words[1]) if words[0] > 31 else (words[-1], words[-2])
        if 1990 <= year <= 2100 and 1 <= month <= 12:
            return date(year, month, 1)
    raise BadInput(f"mois illisible « {text[:30]} » : écrivez 2026-05 ou 05/2026")


def contracts(lines: Sequence[Worked]) -> tuple[Contract, ...]:
    """The hours by contract, the latest first."""
    names = dict.fromkeys(line.contract for line in lines)
    found = (counted(name, [line for line in lines if line.contract == name]) for name in names)
    return tuple(sorted(found, key=lambda one: (one.last, one.done), reverse=True))


def counted(name: str, lines: Sequence[Worked]) -> Contract:
    """The hours of some lines together, at least one; each structure promises once for a contract, what it said last."""
    by_category, by_structure = defaultdict[str, float](float), defaultdict[str, float](float)
    promised: dict[tuple[str, str], float] = {}
    people: dict[tuple[str, str], int] = {}
    for line in sorted(lines, key=lambda one: one.month):
        if line.hours:
            by_category[worked.CATEGORIES[line.category][0]] += line.hours
        by_structure[line.siret] += line.hours
        if line.promised is not None:
            promised[line.contract, line.siret] = line.promised
        of = (line.siret, line.category)
        people[of] = max(people.get(of, 0), line.people or 0)
    expected = {contract for contract, _ in promised}
    return Contract(
        name=name,
        towards=sum(line.hours for line in lines if line.contract in expected),
        done=sum(line.hours for line in lines),
        promised=_sum(promised.values()),
        people=sum(people.values()),
        by_category=dict(sorted(by_category.items(), key=lambda one: -one[1])),
        by_structure=dict(sorted(by_structure.items(), key=lambda one: -one[1])),
        parts={line.siret: line.part for line in lines if line.part},
        last=max(line.month for line in lines),
    )


def hours_rows(lines: Sequence[Worked]) -> list[dict[str, Any]]:
    """The lines as a flat table, which `read_hours` reads again."""
    return [
        {
            **codec.flat(line, "marché=contract, SIRET=siret"),
            "mois": f"{line.month:%Y-%m}",
            "catégorie": worked.CATEGORIES[line.category][0],
            **codec.flat(line, "heures réalisées=hours, heures prévues=promised, personnes=people, part"),
        }
        for line in lines
    ]


def _purchase(row: Mapping[str, str]) -> Purchase:
    siret = digits(row.get("siret"))
    if not (siret_valid(siret) or siren_valid(siret)):
        raise BadInput("SIRET faux (clé de contrôle) : corrigez-le")
    negative = row.get("amount", "").lstrip().startswith("-")
    amount = clean_amount(row.get("amount", "").lstrip(" -"))
    if amount is None:
        raise BadInput("montant illisible ou nul : écrivez 12500,50")
    words = row.get("year", "").replace("/", "-").split("-")
    year = next((int(w) for w in words if w.strip().isdecimal() and len(w.strip()) == 4), 0)
    if not 1990 <= year <= date.today().year + 1:
        raise BadInput("année illisible : écrivez 2026")
    return Purchase(
        siret=siret,
        amount=-amount if negative else amount,
        year=year,
        category=row.get("category", "").upper(),
        object=row.get("object", ""),
        promised=clean_amount(row.get("promised")),
        done=clean_amount(row.get("done")),
    )


class _Kinds:
    """The kind, labels and size of a bidder, by SIRET, else by SIREN where all its places are of one kind."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.by_siret: dict[str, int] = {}
        self.by_siren: dict[str, set[str]] = {}
        self.kind = catalogue.of_structure("kind").tolist()
        self.department = catalogue.of_structure("department").tolist()
        self.labels = catalogue.of_structure("labels").tolist()
        self.headcount = catalogue.of_structure("headcount").tolist()
        for row, siret in enumerate(catalogue.of_structure("siret").tolist()):
            self.by_siret[siret] = row
            if self.kind[row]:
                self.by_siren.setdefault(siret[:9], set()).add(self.kind[row])
        self.first = {siret[:9]: row for siret, row in reversed(self.by_siret.items())}

    def kinds(self, identity: str) -> str:
        row = self.by_siret.get(identity)
        if row is not None and self.kind[row]:
            return str(self.kind[row])
        held = self.by_siren.get(identity[:9], set())
        return next(iter(held)) if len(held) == 1 else "plusieurs" if held else ""

    def row(self, identity: str) -> int | None:
        return self.by_siret.get(identity, self.first.get(identity[:9]))

    def target(self, identity: str) -> tuple[str, ...]:
        """The groups of a plan that a bidder counts in; an EA that is also ESUS counts in both."""
        kind = self.kinds(identity)
        kinds = {kind} if kind != "plusieurs" else {kind} | self.by_siren.get(identity[:9], set())
        row = self.row(identity)
        labels = self.labels[row] if row is not None else ""
        return tuple(name for name, group in GROUPS if kinds & group or f"|{name.lower()}|" in labels)


def _notes(listed: Sequence[Award]) -> tuple[str, ...]:
    """How to read the tables, in French."""
    notes = [
        "le grand livre dit ce qui a été payé, DECP ce qu'un marché peut coûter : les deux ne s'additionnent pas",
        "les tableaux par métier, année et département ne comptent que les structures dont le type est connu",
        "un marché de plusieurs titulaires est partagé à parts égales entre eux, faute de mieux",
    ]
    doubtful = sum(1 for a in listed if a.amount is None or not LEAST <= a.amount <= MOST)
    if rule := law.rule("global.sme", date.today()):
        silent = "part des PME dans les marchés globaux, qu'aucune des deux sources ne dit"
        notes.append(f"{silent} : {rule.shown()}")
    if doubtful:
        odd = f"au montant absent ou invraisemblable (hors de {LEAST:.0f} € à {MOST / 1e6:.0f} M€)"
        notes.append(f"{doubtful} marché{'s' if doubtful > 1 else ''} {odd}, pour zéro euro")
    return tuple(notes)


def _sources(
    catalogue: Catalogue, listed: Sequence[Award], kept: Sequence[Purchase], ledger_source: str, day: date
) -> tuple[str, ...]:
    """Where the figures come from, in French."""
    built = day_written(str(catalogue.manifest["built"])[:10])
    sources = [f"annuaire : catalogue {catalogue.manifest['data']} construit le {built}"]
    if listed:
        dates = sorted(a.notified for a in listed if a.notified)
        span = f" du {dates[0]:%d/%m/%Y} au {dates[-1]:%d/%m/%Y}" if dates else ""
        origins = ", ".join(f"{k} {v}" for k, v in Counter(a.source or "decp" for a in listed).most_common(4))
        sources.append(f"DECP : {len(listed)} marchés{span} ({origins})")
    if kept:
        years = " à ".join(sorted({str(min(p.year for p in kept)), str(max(p.year for p in kept))}))
        origin = f" ({ledger_source})" if ledger_source else ""
        sources.append(f"grand livre : {len(kept)} achat{'s' if len(kept) > 1 else ''}, {years}{origin}")
    rule = law.rule("spaser", day)
    return (*sources, rule.shown()) if rule else tuple(sources)


def report(
    catalogue: Catalogue,
    *,
    purchases: Sequence[Purchase] = (),
    awards: Iterable[Award] = (),
    buyer: str = "",
    years: Sequence[int] = (),
    rejected: Sequence[Rejected] = (),
    ledger_source: str = "",
    lines: Sequence[Worked] = (),
    on: date | None = None,
) -> Report:
    """The report of a buyer (SIREN or SIRET; all buyers by default) over some years (all by default).

    An award of several holders is shared equally between them, for want of better.  `lines` are hours entered after the
    award: where there are some, those of the ledger are not counted beside them.  Raises BadInput where nothing is left to report.
    """
    day = on or date.today()
    known = _Kinds(catalogue)
    kept = [p for p in purchases if not years or p.year in years]
    siren = digits(buyer)[:9]
    if buyer and not siren_valid(siren):
        raise BadInput(f"acheteur {buyer!r} : donnez son SIREN ou son SIRET")
    listed = [
        a
        for a in awards
        if a.relation != "modification"
        and (not siren or a.buyer.id[:9] == siren)
        and (not years or (a.notified is not None and a.notified.year in years))
    ]
    held = contracts([line for line in lines if not years or line.month.year in years])
    if not kept and not listed and not held:
        nothing = "rien à rapporter : ni achat ni marché pour cet acheteur et ces années"
        raise BadInput(f"{nothing} ; vérifiez le SIREN et les années")
    shares_of = [(a, holder, _believed(a.amount) / len(a.holders)) for a in listed for holder in a.holders]
    counted = []
    for p in kept:
        row = known.row(p.siret)
        home = UNKNOWN if row is None else str(known.department[row] or UNKNOWN)
        counted.append(_Counted(p.siret, p.amount, str(p.year), (p.object, ""), home))
    for a, holder, value in shares_of:
        year, where = str(a.notified.year) if a.notified else UNKNOWN, a.place.department or UNKNOWN
        counted.append(_Counted(holder.id, value, year, (a.title, a.cpv or ""), where, a.uid))
    ess = [one for one in counted if known.kinds(one.who)]
    worded = [text for text in dict.fromkeys(one.text for one in counted) if text[0]]
    told = trades_of([text for text, _ in worded], [(code,) if code else () for _, code in worded])
    trade_of = {text: names[0] for text, names in zip(worded, told, strict=True) if names}
    labels = {trade.name: trade.label for trade in trades.trades()}
    kinds = {**KINDS, "plusieurs": "plusieurs types sous un SIREN", "": "entreprise, ou type inconnu"}
    departments = {d.code: d.name for d in places_.departments()}
    by_year = _table(ess, lambda one: (one.year,), {})
    tables = {
        "cible": _table(counted, lambda one: known.target(one.who), {}, [name for name, _ in GROUPS]),
        "type": _table(counted, lambda one: (known.kinds(one.who),), kinds),
        "métier": _table(ess, lambda one: (trade_of.get(one.text, UNKNOWN),), labels),
        "année": tuple(sorted(by_year, key=lambda line: line.key)),
        "département": _table(ess, lambda one: (one.department,), departments),
    }
    in_decp = {(holder.id[:9], a.notified.year) for a, holder, _ in shares_of if a.notified}
    small = [p for p in kept if known.kinds(p.siret) and (p.siret[:9], p.year) not in in_decp]
    return Report(
        title="Achats par type de structure",
        tables=tables,
        paid=sum(p.amount for p in kept),
        awarded=sum(value for *_, value in shares_of),
        shares=tuple(_shares(listed, kept, known)),
        promised=_sum(one.promised for one in held or kept),
        done=_sum(one.done for one in held or kept),
        contracts=held,
        small=len(small),
        small_amount=sum(p.amount for p in small),
        notes=_notes(listed),
        rejected=tuple(rejected),
        sources=_sources(catalogue, listed, kept, ledger_source, day),
        on=day,
        facilitator=_facilitator(buyer, listed, tables["département"]),
    )


def _facilitator(buyer: str, awards: Sequence[Award], departments: Sequence[Line]) -> str:
    """Who is the facilitator of the buyer, where its commune is known; else of the departments bought in."""
    if buyer:
        place = places_.locate(Place(), buyer)
        if place.department is None:  # its seat is not known by its number: where it is published, or works
            known = Counter(a.buyer.place.department or a.place.department for a in awards)
            place = Place(department=next((d for d, _ in known.most_common() if d), None))
        if place.department:
            return facilitators.named(place)
    places = [Place(department=line.key) for line in departments if places_.department(line.key)]
    return " ".join(facilitators.of_areas(places)) if places else facilitators.named(None)


def _believed(amount: float | None) -> float:
    return amount if amount is not None and LEAST <= amount <= MOST else 0.0


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class _Counted:
    """A purchase, or the part of a holder in an award, as the tables count it."""

    who: str
    value: float
    year: str
    text: tuple[str, str]  # with its CPV code
    department: str
    award: str | None = None


def _table(
    counted: Sequence[_Counted],
    keys: Callable[[_Counted], Sequence[str]],
    labels: Mapping[str, str],
    fixed: Sequence[str] = (),
) -> tuple[Line, ...]:
    """Rows by key, those of most euros first; `fixed` keys stand in their order, whatever they hold."""
    by_key: dict[str, list[_Counted]] = {key: [] for key in fixed}
    for one in counted:
        for key in keys(one):
            by_key.setdefault(key, []).append(one)
    lines = []
    for key, own in by_key.items():
        bought = [one.value for one in own if one.award is None]
        won = [(one.award, one.value) for one in own if one.award is not None]
        label, awarded = labels.get(key) or key or UNKNOWN, sum(value for _, value in won)
        numbers = {"purchases": len(bought), "awards": len({uid for uid, _ in won})}
        lines.append(Line(key=key or "(aucun)", label=label, paid=sum(bought), awarded=awarded, **numbers))
    return tuple(lines if fixed else sorted(lines, key=lambda line: (-line.paid - line.awarded, line.key)))


def _shares(awards: Sequence[Award], purchases: Sequence[Purchase], known: _Kinds) -> Iterator[Share]:
    """Each share of all years together, then of each year."""
    years = sorted({str(a.notified.year) for a in awards if a.notified} | {str(p.year) for p in purchases})
    for year in ("", *(years if len(years) > 1 else ())):
        signed = [a for a in awards if not year or (a.notified and str(a.notified.year) == year)]
        bought = [p for p in purchases if not year or str(p.year) == year]
        for label, told in STATED.items():
            stated = [(_believed(a.amount), told(a)) for a in signed]
            yield _share(label, year, stated, "DECP")
        yield _share("Achats à des PME", year, [(p.amount, _small(p, known)) for p in bought], "grand livre")


def _share(label: str, year: str, stated: Sequence[tuple[float, bool | None]], source: str) -> Share:
    """Of amounts with whether each counts, None where it is not known."""
    known = [(amount, counts) for amount, counts in stated if counts is not None]
    counting = [amount for amount, counts in known if counts]
    numbers = {"count": len(counting), "known": len(known), "unknown": len(stated) - len(known)}
    amount, total = sum(counting), sum(amount for amount, _ in known)
    return Share(label=label, year=year, amount=amount, total=total, source=source, **numbers)


def _social(award: Award, *words: str) -> bool | None:
    """Does an award state a social consideration, of these words; None where it is silent."""
    some = [fold(word) for word in award.social if not _none(word)]
    if not award.social and "no-social" not in award.flags:
        return None
    return any(not words or any(word in one for word in words) for one in some)


def reserved(award: Award) -> bool | None:
    """Was the contract reserved, as far as DECP states it."""
    return _social(award, "reserve")


#: What DECP states of a contract, or is silent of (None): "no consideration" is a statement.
STATED: Mapping[str, Callable[[Award], bool | None]] = {
    "Marchés avec une considération sociale": _social,
    "dont une clause sociale": lambda a: _social(a, "clause"),
    "dont un critère social": lambda a: _social(a, "critere"),
    "dont un marché réservé": reserved,
    "Marchés avec une considération environnementale": lambda a: (
        not all(map(_none, a.environment)) if a.environment or "no-environment" in a.flags else None
    ),
    "Marchés attribués à un groupement": lambda a: {"group": True, "single": False}.get(a.relation),
}


def _none(word: str) -> bool:
    return fold(word).startswith(("pas de", "aucun", "sans", "non"))


def _small(purchase: Purchase, known: _Kinds) -> bool | None:
    """Is the supplier an SME: by the ledger's own column, else by a headcount under 250; None unknown."""
    if purchase.category:
        return purchase.category in ("PME", "TPE", "MICRO", "MICROENTREPRISE", "MIC", "OUI", "O", "X")
    row = known.row(purchase.siret)
    people = known.headcount[row] if row is not None else float("nan")
    return None if people != people else people < 250


def rows(found: Report) -> list[dict[str, Any]]:
    """Every table as flat rows."""
    return [
        {"tableau": name, **codec.flat(line, "clé=key, libellé=label, achats (grand livre)=purchases")}
        | {"payé € HT (grand livre)": round(line.paid, 2), "marchés (DECP)": line.awards}
        | {"attribué € HT (DECP)": round(line.awarded, 2)}
        for name, lines in found.tables.items()
        for line in lines
    ]


def workbook(found: Report) -> bytes:
    """The report as XLSX: one sheet a table, the shares, and what was rejected."""
    tables: dict[str, list[dict[str, Any]]] = {f"Par {name}": [] for name in found.tables}
    for row in rows(found):
        tables[f"Par {row.pop('tableau')}"].append(row)
    tables["Parts"] = [
        codec.flat(s, "part=label, année=year, nombre=count, sur=known, donnée absente=unknown")
        | codec.flat(s, "montant € HT=amount, sur € HT=total, source")
        | {"année": s.year or "toutes", "% du nombre": s.part and round(100 * s.part, 1)}
        | {"% du montant": s.worth and round(100 * s.worth, 1)}
        for s in found.shares
    ]
    hours = "heures prévues=promised, heures réalisées=done"
    tables["Heures"] = [
        codec.flat(one, f"marché=name, {hours}, personnes=people") for one in found.contracts
    ] or [codec.flat(found, hours)]
    tables["Écartés"] = [codec.flat(bad, "où=record, pourquoi=reason") for bad in found.rejected]
    day = f"calculé le {found.on:%d/%m/%Y}"
    return exports.workbook(tables, (*found.sources, *found.notes, found.facilitator, day))


def page(found: Report) -> str:
    """The report as printable HTML: two pages with their plots, and the tables of the workbook on the screen alone."""
    years = list(dict.fromkeys(share.year for share in found.shares))
    by_label: dict[str, dict[str, Share]] = {}
    for share in found.shares:
        by_label.setdefault(share.label, {})[share.year] = share
    shown = {"title": found.title, "sources": found.sources, "on": found.on}
    return exports.page("report", report=found, years=years, shares=by_label, **shown)
