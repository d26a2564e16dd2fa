"""BOAMP: pages and exports of its open-data API (explore v2.1), the older API, and records saved by a client.

A record holds the notice in `donnees`, JSON inside a string, under one key that names its schema: EFORMS
(UBL), FNSimple, MAPA, or none of them (Boamp_v230).  What the notice does not say is taken from the record
itself; a schema unknown to us is walked for its texts, CPV codes and lots.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from matcher import domain
from matcher.reading import clauses
from matcher.reading.clauses.grammar import weight as weight_of
from matcher.reading.sources import _facts as facts
from matcher.reading.sources import _stream
from matcher.reading.sources import _tree as tree
from matcher.reading.sources import _ubl as ubl
from matcher.reference.identifiers import clean_amount
from matcher.reference.prose import folded
from matcher.reference.text import clean

YIELDS = "tender"

Json = dict[str, Any]
#: Keys that only a BOAMP record holds; two of them suffice.
_MARKS = (
    b'"idweb"',
    b'"nomacheteur"',
    b'"dateparution"',
    b'"source_schema"',
    b'"code_departement"',
    b'"url_avis"',
)
MAX_RECORD = 16 * 1024 * 1024  # bytes of one line; the largest real record is below 2 MB
MAX_DEPTH = 200

NATURES: dict[str, domain.Nature] = {
    "APPEL_OFFRE": "call",
    "APPELOFFRE": "call",
    "ATTRIBUTION": "award",
    "RESULTAT_MARCHE": "award",
    "RECTIFICATIF": "correction",
    "MODIFICATION": "modification",
    "ANNULATION": "cancellation",
    "PRE-INFORMATION": "prior",
    "PREINFORMATION": "prior",
    "PERIODIQUE": "prior",
    "INTENTION_CONCLURE": "award",
    "QUALIFICATION": "call",
    "CONCOURS": "call",
}


def recognises(name: str, head: bytes) -> bool:
    """True for JSON that holds the keys of BOAMP records."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"{", b"[") and sum(mark in head for mark in _MARKS) >= 2


def read(stream: BinaryIO, name: str) -> Iterator[domain.Tender | domain.Rejected]:
    """The notices of the file, one record at a time; a file that is cut gives those before the cut.

    Raises BadInput when the file is empty or holds no BOAMP record.
    """
    seen = 0
    for place, found in enumerate(_records(stream, name), 1):
        if isinstance(found, domain.Rejected):
            if not seen and place == 1:
                raise domain.BadInput(f"{name}: {found.reason}")
            yield found
            continue
        seen += 1
        record = _flat(found)
        label = str(record.get("idweb") or record.get("id") or f"record {place}")[:80]
        try:
            yield tender(record)
        except domain.BadInput as error:
            yield domain.Rejected(path=name, record=label, reason=str(error))
        except (
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            IndexError,
            OverflowError,
            RecursionError,
        ) as error:
            reason = f"unreadable record ({type(error).__name__}: {str(error)[:120]}); compare it with its page on BOAMP"
            yield domain.Rejected(path=name, record=label, reason=reason)
    if not seen:
        raise domain.BadInput(
            f"{name}: holds no record; expected a page, an export or saved records of the BOAMP API"
        )


def _records(stream: BinaryIO, name: str) -> Iterator[Json | domain.Rejected]:
    """The records of a page, a list, or lines of JSON, streamed; a Rejected where the file stops being JSON."""
    head = stream.read(65536)
    stream.seek(0)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise domain.BadInput(f"{name}: the file is empty; export it again from BOAMP")
    if start[:1] == b"[":
        yield from _parsed(stream, "item", name)
    elif _is_lines(start):
        yield from _lines(stream, name)
    else:
        for key in ("results", "records"):
            if re.search(rb'"' + key.encode() + rb'"\s*:\s*\[', head):
                yield from _parsed(stream, f"{key}.item", name)
                return
        yield from _parsed(stream, "", name)


def _is_lines(start: bytes) -> bool:
    """True when the first line is a whole JSON object and something follows it."""
    line, _, rest = start.partition(b"\n")
    if not rest.strip():
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parsed(stream: BinaryIO, prefix: str, name: str) -> Iterator[Json | domain.Rejected]:
    count = 0
    try:
        for item in _stream.items(stream, prefix):
            count += 1
            if isinstance(item, dict):
                yield item
            else:
                yield domain.Rejected(path=name, record=f"record {count}", reason="not a JSON object")
    except (*_stream.BROKEN, RecursionError) as error:
        message = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        cut = "incomplete" in message.lower() or "premature" in message.lower()
        what = "the file is cut" if cut else "not JSON"
        reason = f"{what} after {count} records ({message}); download it again"
        yield domain.Rejected(path=name, record=f"record {count + 1}", reason=reason)


def _lines(stream: BinaryIO, name: str) -> Iterator[Json | domain.Rejected]:
    place = 0
    while line := stream.readline(MAX_RECORD + 1):
        place += 1
        if len(line) > MAX_RECORD:
            yield domain.Rejected(
                path=name, record=f"line {place}", reason="a line above 16 MiB, which no record is"
            )
            return
        text = line.decode("utf-8", errors="replace").lstrip("\ufeff").strip()
        if not text:
            continue
        try:
            item = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield domain.Rejected(
                path=name, record=f"line {place}", reason=f"not JSON ({str(error)[:80]}); the line may be cut"
            )
            continue
        if isinstance(item, dict):
            yield item
        else:
            yield domain.Rejected(path=name, record=f"line {place}", reason="not a JSON object")


def _flat(record: Json) -> Json:
    """The fields of a record, out of the wrappers of the older API and of clients, which add fields of their own."""
    for wrapper in ("raw_fields", "fields", "record"):
        inner = record.get(wrapper)
        if isinstance(inner, dict):
            return _flat(inner)
    return record


def opened(field: Any) -> Json:
    """A field that is JSON inside a string, or an object already; {} for anything else."""
    if isinstance(field, str) and field.lstrip()[:1] == "{":
        try:
            field = json.loads(field)
        except ValueError as error:
            raise domain.BadInput(
                f"the field donnees is not JSON ({str(error)[:80]}); the record may be cut"
            ) from None
        except RecursionError:
            raise domain.BadInput("the field donnees nests deeper than any notice") from None
    return field if isinstance(field, dict) else {}


# ------------------------------------------------------------------------------------------ one record


def tender(record: Json) -> domain.Tender:
    """The tender of a BOAMP record.  Raises BadInput, saying what is missing."""
    idweb = text(record.get("idweb")) or text(record.get("id")).replace("_", "-")
    if not idweb:
        raise domain.BadInput("no identifier: idweb and id are missing")
    content = opened(record.get("donnees"))
    managed = opened(record.get("gestion"))
    if "EFORMS" in content:
        made = _from_ubl(content["EFORMS"], idweb)
    else:
        made = _National(record, content, idweb).tender()
    return _with_record(made, record, managed, idweb)


def _from_ubl(content: Any, idweb: str) -> domain.Tender:
    root_name = (
        next((key for key in content if tree.local(key) in ubl.ROOTS), None)
        if isinstance(content, dict)
        else None
    )
    if root_name is None:
        raise domain.BadInput(
            "donnees.EFORMS holds none of ContractNotice, PriorInformationNotice, ContractAwardNotice"
        )
    return ubl.notice(tree.grow(root_name, content[root_name]), id=idweb, strict=False)


def _with_record(made: domain.Tender, record: Json, managed: Json, idweb: str) -> domain.Tender:
    """The tender, completed by the record's fields outside the notice; the record gives its nature."""
    title = made.title if made.title and made.title != f"Avis {idweb}" else ""
    title = (
        title or clean(text(record.get("objet"))) or clean(text(dig(managed, "INDEXATION", "RESUME_OBJET")))
    )
    if not title:
        raise domain.BadInput("no title: objet is missing, and so is the title of the notice")
    deadline = made.deadline or facts.moment(text(record.get("datelimitereponse")))
    where = made.buyer.place
    departments = [text(code).zfill(2) for code in listed(record.get("code_departement")) if text(code)]
    if not where.label and not where.department and len(departments) == 1:
        where = facts.complete(replace(where, department=departments[0]))
    buyer = replace(
        made.buyer, name=made.buyer.name or clean(text(record.get("nomacheteur")), 500), place=where
    )
    lots = made.lots
    asked = [text(code).zfill(2) for code in listed(record.get("code_departement_prestation")) if text(code)]
    for code in asked[:1]:
        # the department of the work is stated by the record, where the lot itself states no place
        there = facts.complete(domain.Place(department=code))
        lots = tuple(
            replace(lot, places=(there,), inferred=tuple(f for f in lot.inferred if f != "places"))
            if not lot.places or "places" in lot.inferred
            else lot
            for lot in lots
        )
    lots = facts.placed(tuple(replace(lot, title=lot.title or title) for lot in lots), where)
    if len(lots) == 1 and lots[0].title == f"Avis {idweb}":
        lots = (replace(lots[0], title=title),)
    lots = tuple(replace(lot, deadline=lot.deadline or deadline) for lot in lots)
    earlier = [text(i) for key in ("annonce_lie", "annonces_anterieures") for i in listed(record.get(key))]
    earlier += [text(i) for i in found(managed, "IDWEB") if text(i)]
    related = [i for i in dict.fromkeys(_ids([*made.related, *earlier])) if i != idweb]
    nature = _nature(record, managed, made.nature)
    awards = made.awards
    if nature == "award" and not awards:
        awards = tuple(_titular(record, idweb, title, buyer, lots))
    return replace(
        made,
        format="boamp",
        title=title,
        buyer=buyer,
        lots=lots,
        nature=nature,
        awards=awards,
        family=text(record.get("famille")) or made.family,
        procedure=clean(text(record.get("procedure_libelle")), 200) or made.procedure,
        published=facts.day(text(record.get("dateparution"))) or made.published,
        deadline=deadline,
        url=text(record.get("url_avis")) or f"https://www.boamp.fr/pages/avis/?q=idweb:{idweb}",
        related=tuple(related),
        folder=made.folder or text(record.get("contractfolderid")),
    )


def _titular(
    record: Json, idweb: str, title: str, buyer: domain.Buyer, lots: tuple[domain.Lot, ...]
) -> Iterator[domain.Award]:
    """The award from the record's field `titulaire`, where the notice gives none."""
    holders = tuple(facts.holder("", text(name)) for name in listed(record.get("titulaire")) if text(name))
    if holders:
        lot = lots[0] if len(lots) == 1 else None
        yield domain.Award(
            uid=f"{idweb}/award-1",
            title=title,
            buyer=buyer,
            holders=holders,
            cpv=lot.cpv[0] if lot and lot.cpv else None,
            place=lot.places[0] if lot and lot.places else domain.Place(),
            relation="single" if len(holders) == 1 else "unknown",
            source=f"boamp:{idweb}",
        )


#: Where the national schemas hold award criteria.
CRITERIA = (
    "criteres",
    "criteresAttrib",
    "critereAttribution",
    "CRITERES",
    "CRITERES_ATTRIB",
    "CRITERES_PONDERES",
)
_WEIGHING = re.compile(r"(?i)poids|pond|pct|pourcent|coef|weight")
_ITEMS = re.compile(r"\s{0,9}[\n;•]\s*|\s{1,9}[-–—?]\s+(?=[A-ZÀ-Ý])")


def _criteria(raw: Any, depth: int = 0) -> Iterator[domain.Criterion]:
    if depth > 8:
        return
    if isinstance(raw, list):
        for one in raw:
            yield from _criteria(one, depth + 1)
    elif isinstance(raw, dict):
        leaves = {key: text(one) for key, one in raw.items() if not isinstance(one, list) and text(one)}
        weight, unit = facts.weight(next((one for key, one in leaves.items() if _WEIGHING.search(key)), ""))
        names = [
            one for key, one in leaves.items() if not _WEIGHING.search(key) and re.search(r"[^\W\d]{3}", one)
        ]
        if names and weight is not None:
            yield domain.Criterion(name=clean(max(names, key=len), 1000), weight=weight, weight_unit=unit)
            return
        for one in raw.values():
            yield from _criteria(one, depth + 1)
    else:
        for item in filter(None, _ITEMS.split(text(raw)[:20_000])):
            if stated := weight_of(folded(item[:600])):
                weight, unit = stated
                yield domain.Criterion(name=clean(item, 1000), weight=weight, weight_unit=unit)


def _ids(raw: Iterable[str]) -> Iterator[str]:
    for one in raw:
        yield from (part for part in re.split(r"[\s,;]+", one.strip("[]' ")) if part)


def _nature(record: Json, managed: Json, read: domain.Nature) -> domain.Nature:
    state = text(record.get("etat")).upper()
    status = dig(managed, "REFERENCE", "TYPE_AVIS", "STATUT")
    states = {state, *(key.upper() for key in status)} if isinstance(status, dict) else {state}
    if any(one.startswith("ANNUL") for one in states):
        return "cancellation"
    if any(one.startswith(("RECTIF", "MODIF")) for one in states) and read not in ("award", "modification"):
        return "correction"
    named = NATURES.get(text(record.get("nature")).upper().replace(" ", "_"))
    return read if named is None or (named == "call" and read != "other") else named


class _National:
    """A notice of the national schemas (FNSimple, MAPA, Boamp_v230), or of an unknown one."""

    def __init__(self, record: Json, content: Json, idweb: str) -> None:
        inner = next(
            (
                content[k]
                for k in ("FNSimple", "MAPA", "DSP", "DIVERS", "FNS")
                if isinstance(content.get(k), dict)
            ),
            None,
        )
        if inner is None and len(content) == 1:
            only = next(iter(content.values()))
            inner = only if isinstance(only, dict) and not _old(content) else None
        self.record, self.idweb = record, idweb
        self.data: Json = inner if inner is not None else content
        state = next(
            (k for k in ("rectificatif", "attribution", "annulation", "initial") if self.data.get(k)), ""
        )
        self.state = state
        body = self.data.get(state)
        self.body: Json = body if isinstance(body, dict) else self.data
        market = first(dig(self.body, "natureMarche"), dig(self.body, "description"), self.data.get("OBJET"))
        self.market: Json = market if isinstance(market, dict) else {}

    def tender(self) -> domain.Tender:
        title = clean(self.said(("intitule",), ("TITRE_MARCHE",)) or text(self.record.get("objet")))
        description = clean(
            self.said(("description",), ("objet",), ("OBJET_COMPLET",))
            or text(dig(self.body, "caracteristiques", "principales"))
        )
        if not self.market:  # an unknown schema: all human-written text
            description = description or clean(" ".join(sentences(self.data)), 20_000)
            title = title or description[:200]
        where = self.buyer_place()
        lots = facts.placed(self.lots(title or description[:200], description), where)
        organisation = self.organisation()
        id_ = text(
            first(
                organisation.get("codeIdentificationNational"),
                organisation.get("CODE_IDENT_NATIONAL"),
                organisation.get("SIRET"),
            )
        )
        name = text(
            first(
                *(organisation.get(k) for k in ("acheteurPublic", "nomOfficiel", "DENOMINATION")),
                self.record.get("nomacheteur"),
            )
        )
        nature: domain.Nature = {
            "rectificatif": "correction",
            "attribution": "award",
            "annulation": "cancellation",
        }.get(self.state, "call")  # type: ignore[assignment]
        if self.data.get("ATTRIBUTION"):
            nature = "award"
        deadline = facts.moment(
            self.anywhere(
                "dateReceptionOffres",
                "receptOffres",
                "RECEPT_OFFRES",
                "RECEPT_CANDIDAT",
                "dateReceptionCandidatures",
            )
        )
        documents = self.anywhere(
            "urlDocConsul", "URL_DOCUMENT", "urlProfilAch", "urlProfilAcheteur", "URL_PROFIL_ACHETEUR"
        )
        made = domain.Tender(
            id=self.idweb,
            format="boamp",
            title=title or f"Avis {self.idweb}",
            description=description,
            buyer=facts.buyer(id_, name, where),
            lots=lots,
            nature=nature,
            reference=clean(
                self.anywhere(
                    "identifiantInterne", "idMarche", "REFERENCE_MARCHE", "REF_MARCHE", "numReference"
                ),
                200,
            ),
            published=facts.day(text(self.record.get("dateparution"))),
            deadline=deadline,
            documents_url=facts.link(documents),
            related=tuple(t for t in map(text, found(self.body, "idWeb")) if t),
            change=clean(" ; ".join(sentences(self.data.get("rectificatif"))))
            if self.state == "rectificatif"
            else "",
            awards=self.awards(lots, id_, name, where) if nature == "award" else (),
            flags=() if self.market else ("schema-unknown",),
        )
        by_lot = {lot.id: "\n".join(sentences(raw)) for lot, raw in zip(lots, self.raw_lots(), strict=False)}
        without = ("lots", "lotsMarche", "LOTS", "LOT", "organisme", "IDENTITE")
        read_as_fields = CRITERIA if any(lot.criteria for lot in lots) else ()
        general = "\n".join(sentences(self.data, without=(*without, *read_as_fields)))
        return clauses.complete(made, general, by_lot)

    def said(self, *paths: tuple[str, ...]) -> str:
        return next((t for t in (text(dig(self.market, *path)) for path in paths) if t), "")

    def anywhere(self, *keys: str) -> str:
        """The first text found under one of these keys, wherever it stands."""
        for key in keys:
            for one in found(self.data, key):
                said = text(one)
                if said:
                    return said
        return ""

    def organisation(self) -> Json:
        one = first(self.data.get("organisme"), self.data.get("IDENTITE"), self.data.get("ORGANISME"))
        return one if isinstance(one, dict) else {}

    def buyer_place(self) -> domain.Place:
        organisation = self.organisation()
        inner = organisation.get("adr")
        address: Json = inner if isinstance(inner, dict) else organisation
        return facts.place(
            postcode=text(first(address.get("cp"), address.get("CP"))),
            city=text(first(address.get("ville"), address.get("VILLE"))),
        )

    # -- the lots

    def raw_lots(self) -> list[Any]:
        for holder, path in (
            (self.body, ("lots", "lot")), (self.body, ("lots",)), (self.market, ("lotsMarche", "lot")),
            (self.market, ("lotsMarche",)), (self.market, ("lots", "lot")), (self.market, ("LOTS", "LOT")),
            (self.data, ("LOTS", "LOT")), (self.data, ("lots", "lot")),
        ):  # fmt: skip
            raw = [
                one for one in listed(dig(holder, *path)) if isinstance(one, dict) and one.get("lot") is None
            ]
            if raw:
                return raw
        return []

    def lots(self, title: str, description: str) -> tuple[domain.Lot, ...]:
        raw = self.raw_lots()
        whole = domain.Lot(
            id=f"{self.idweb}/1",
            title=title or f"Avis {self.idweb}",
            description=description,
            cpv=facts.cpvs(codes(first(self.market, self.data), without=("lots", "lotsMarche", "LOTS"))),
            places=self.places(self.market),
            amount=self.amount(self.market),
            amount_period="total" if self.amount(self.market) else "",
            duration_months=self.duration(self.market) or self.duration(self.body),
            reservation=self.reservation(self.data),
            conditions=tuple(self.conditions()),
            criteria=tuple(self.criteria(self.body)),
        )
        return facts.at_least_one(
            tuple(self.lot(one, i, whole, len(raw) == 1) for i, one in enumerate(raw, 1)), whole
        )

    def lot(self, raw: Json, place: int, whole: domain.Lot, alone: bool) -> domain.Lot:
        number = text(
            first(*(raw.get(k) for k in ("numLot", "numero", "num", "NUM", "NUM_LOT", "numeroLot")))
        )
        title = clean(
            text(first(*(raw.get(k) for k in ("intitule", "INTITULE", "titre", "TITRE", "objet", "OBJET"))))
        )
        description = clean(text(first(*(raw.get(k) for k in ("description", "DESCRIPTION", "principales")))))
        amount = self.amount(raw) or (whole.amount if alone else None)
        return replace(
            whole,
            id=f"{self.idweb}/{place}",
            number=number or str(place),
            title=title or description[:200] or whole.title,
            description=description or (whole.description if alone else ""),
            cpv=facts.cpvs(codes(raw)) or whole.cpv,
            places=self.places(raw) or whole.places,
            amount=amount,
            amount_period="total" if amount else "",
            duration_months=self.duration(raw) or whole.duration_months,
            reservation=self.reservation(raw) or whole.reservation,
            criteria=tuple(self.criteria(raw)) or whole.criteria,
        )

    def places(self, raw: Json) -> tuple[domain.Place, ...]:
        made = []
        for key in (
            "lieuExecution",
            "lieuExecutionLivraison",
            "LIEU_EXEC_LIVR",
            "LIEU_PRINCIPAL",
            "lieuPrincipal",
        ):
            for one in listed(raw.get(key)):
                if isinstance(one, dict):
                    street = text(
                        first(
                            dig(one, "voie", "nomvoie"),
                            one.get("ADRESSE"),
                            one.get("adresse"),
                            one.get("libelle"),
                        )
                    )
                    cp, city = (
                        text(first(one.get("cp"), one.get("CP"))),
                        text(first(one.get("ville"), one.get("VILLE"))),
                    )
                    nuts = [
                        text(n) for n in listed(first(one.get("codeNuts"), one.get("CODE_NUTS"))) if text(n)
                    ]
                    label = " ".join(filter(None, (street, cp, city)))
                    made += [
                        facts.place(label, postcode=cp, city=city, nuts=n) for n in nuts or [""] if label or n
                    ]
                elif text(one):
                    code = re.search(r"(?<!\d)(\d{5})(?!\d)", text(one))
                    made.append(facts.place(text(one), postcode=code.group(1) if code else "", city=""))
            if made:
                break
        return tuple(dict.fromkeys(made))

    def amount(self, raw: Json) -> float | None:
        """The estimated value, or the upper end of the range that is stated; never a sum."""
        for key in ("valeurEstimee", "estimationValeur", "valeur", "VALEUR", "montant"):
            one = raw.get(key)
            for said in (
                one,
                *(dig(one, *path) for path in (("fourchette", "valeurHaute"), ("valeur",), ("#text",))),
            ):
                amount = clean_amount(text(said))
                if amount:
                    return amount
        return None

    def duration(self, raw: Json) -> float | None:
        for key, unit in (
            ("dureeMois", "MONTH"),
            ("nbMois", "MONTH"),
            ("DUREE_MOIS", "MONTH"),
            ("dureeJours", "DAY"),
            ("nbJours", "DAY"),
            ("DUREE_JOURS", "DAY"),
        ):
            for one in (raw.get(key), dig(raw, "duree", key), dig(raw, "DUREE_DELAI", key)):
                months = facts.months(text(one), unit)
                if months:
                    return months
        for one in (raw.get("duree"), raw):
            if isinstance(one, dict) and one.get("dateACompterDu"):
                return facts.span(text(one.get("dateACompterDu")), text(one.get("jusquau")))
        return None

    def reservation(self, raw: Json) -> domain.Reservation | None:
        """A ticked box: a key that speaks of reservation, not of its absence, and is not answered by no."""
        for key, said in walk(raw):
            name = key.rsplit("/", 1)[-1]
            if not re.search(r"(?i)reserv|ateliers?_?prot|emplois?_?prot", name):
                continue
            if re.search(r"(?i)non|reference|texte|sans", name) or re.search(r"(?i)visite|salle", name):
                continue
            answer = said.strip().lower()
            path = key.lower()
            if answer in ("non", "false", "0", "no", "sans", "none") or path.endswith(("/non", "_non")):
                continue
            if "oui" in path or answer in ("oui", "true", "1", "x", "yes") or not answer or len(answer) > 20:
                return domain.Reservation(
                    passage=clean(said, 600) if len(answer) > 20 else f"Case cochée dans l'avis : {name}"
                )
        return None

    def criteria(self, raw: Json) -> Iterator[domain.Criterion]:
        """The award criteria, whatever the schema: a text cut at its items, or blocks of a name and a weight."""
        holders = [one for key in CRITERIA for one in found(raw, key)]
        for one in holders:
            yield from _criteria(one)

    def conditions(self) -> Iterator[domain.Condition]:
        legal = clean(self.anywhere("formeJuridique", "FORME_JUR"), 600)
        if legal:
            yield domain.Condition(code="group-form", label="Forme du groupement", passage=legal)

    # -- the awards

    def awards(
        self, lots: tuple[domain.Lot, ...], id_: str, name: str, where: domain.Place
    ) -> tuple[domain.Award, ...]:
        body = first(dig(self.data, "ATTRIBUTION"), dig(self.body, "attribution"), self.body)
        blocks = [
            b
            for key in ("resultat", "DECISION", "attribue", "lot")
            for b in listed(dig(body, key))
            if isinstance(b, dict)
        ]
        made = []
        for place, block in enumerate(blocks or [body] if isinstance(body, dict) else [], 1):
            holders = tuple(dict.fromkeys(_holders(block)))
            number = text(
                first(*(next(iter(found(block, k)), None) for k in ("NUM_LOT", "numLot", "numero")))
            )
            lot = next(
                (x for x in lots if number and x.number == number), lots[0] if len(lots) == 1 else None
            )
            if not holders:
                continue
            amount = next(
                (
                    a
                    for k in ("montant", "MONTANT", "valeur", "VALEUR")
                    for a in map(clean_amount, map(text, found(block, k)))
                    if a
                ),
                None,
            )
            received = next(
                (
                    t
                    for k in ("nbOffresRecues", "NB_OFFRE_RECU")
                    for t in map(text, found(self.body, k))
                    if t.isdigit()
                ),
                "",
            )
            made.append(
                domain.Award(
                    uid=f"{self.idweb}/award-{place}",
                    title=lot.title if lot else clean(text(self.record.get("objet"))),
                    buyer=facts.buyer(id_, name, where),
                    holders=holders,
                    cpv=lot.cpv[0] if lot and lot.cpv else None,
                    place=lot.places[0] if lot and lot.places else domain.Place(),
                    amount=amount,
                    notified=next(
                        (
                            d
                            for k in ("dateAttribution", "DATE_ATTRIBUTION", "dateNotification")
                            for d in map(facts.day, map(text, found(block, k)))
                            if d
                        ),
                        None,
                    ),
                    offers_received=int(received) if received and len(received) < 7 else None,
                    relation="single" if len(holders) == 1 else "unknown",
                    source=f"boamp:{lot.id if lot else self.idweb}",
                )
            )
        return tuple(made)


def _old(content: Json) -> bool:
    return any(key in content for key in ("IDENTITE", "OBJET", "PROCEDURE", "organisme"))


def _holders(block: Json) -> Iterator[domain.Holder]:
    for key in ("titulaire", "TITULAIRE", "attributaire"):
        for one in (x for group in found(block, key) for x in listed(group)):
            if isinstance(one, dict):
                name = text(
                    first(
                        *(
                            one.get(k)
                            for k in (
                                "PersonneMorale",
                                "DENOMINATION",
                                "denomination",
                                "raisonSociale",
                                "nom",
                                "NOM",
                            )
                        )
                    )
                )
                code = text(
                    first(
                        *(
                            one.get(k)
                            for k in ("siret", "SIRET", "CODE_IDENT_NATIONAL", "codeIdentificationNational")
                        )
                    )
                )
            else:
                name, code = text(one), ""
            if name:
                yield facts.holder(code, name)


# -------------------------------------------------------------------------------- JSON of any shape


def text(raw: Any) -> str:
    """The text of a JSON value: of a scalar, of the `#text` of an object, of a list of one."""
    if raw is None or isinstance(raw, bool):
        return "" if raw is None else str(raw).lower()
    if isinstance(raw, dict):
        return text(raw.get("#text"))
    if isinstance(raw, list):
        return (
            text(raw[0])
            if len(raw) == 1
            else " ".join(filter(None, (text(x) for x in raw if not isinstance(x, list))))
        )
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    return str(raw).strip()


def listed(raw: Any) -> list[Any]:
    """A list as it is, nothing as an empty one, anything else (a single child) as a list of one."""
    return raw if isinstance(raw, list) else [] if raw is None else [raw]


def first(*values: Any) -> Any:
    """The first value that is not empty, or None."""
    return next((value for value in values if value not in (None, "", [], {})), None)


def dig(raw: Any, *path: str) -> Any:
    """The value at a path of keys, or None; a list of one stands for its element."""
    for key in path:
        if isinstance(raw, list) and len(raw) == 1:
            raw = raw[0]
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw


def walk(raw: Any, without: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(path of keys, text) of every scalar, in order, the keys `without` left out.  Does not recurse."""
    stack: list[tuple[str, Any, int]] = [("", raw, 0)]
    while stack:
        path, one, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise domain.BadInput(f"nested deeper than {MAX_DEPTH} levels, which no notice is")
        if isinstance(one, dict):
            stack.extend((f"{path}/{k}", v, depth + 1) for k, v in reversed(one.items()) if k not in without)
        elif isinstance(one, list):
            stack.extend((path, v, depth + 1) for v in reversed(one))
        elif one is not None:
            yield path, text(one)


def found(raw: Any, key: str) -> Iterator[Any]:
    """Every value under a key, wherever it stands, in order.  Does not recurse."""
    stack = [raw]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if key in one:
                yield one[key]
            stack.extend(reversed(list(one.values())))
        elif isinstance(one, list):
            stack.extend(reversed(one))


def sentences(raw: Any, without: tuple[str, ...] = ()) -> Iterator[str]:
    """The texts of an object that a person wrote: with letters, and neither a link, a code nor a date.

    A short answer ("oui", "non", "☐") is kept with the last word of its key, which it answers.
    """
    for path, said in walk(raw, without):
        key = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", path.rsplit("/", 1)[-1])
        if said.lower() in ("oui", "non", "true", "false", "☐", "☑", "☒"):
            yield f"{key} : {said}"
        elif (
            re.search(r"[^\W\d]{3}", said) and not said.startswith("http") and (" " in said or len(said) > 12)
        ):
            yield said


def codes(raw: Any, without: tuple[str, ...] = ()) -> Iterator[str]:
    """CPV codes below keys that speak of CPV, the main object's first."""
    pairs = [(path.lower(), said) for path, said in walk(raw, without) if re.search(r"cpv", path, re.I)]
    main = [p for p in pairs if re.search(r"principal", p[0]) and "secondaire" not in p[0]]
    for _, said in [*main, *(p for p in pairs if p not in main)]:
        yield from re.findall(r"(?<!\d)\d{8}(?:-\d)?(?!\d)", said) or [said]
