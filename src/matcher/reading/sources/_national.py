"""BOAMP notices of the national schemas (FNSimple, MAPA, Boamp_v230), or of an unknown one."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from matcher import domain
from matcher.reading import clauses, criteria, terms
from matcher.reading.procedure import lot_number, numbered
from matcher.reading.sources import _facts as facts
from matcher.reading.sources._json import (
    Json,
    codes,
    dig,
    first,
    found,
    listed,
    named,
    objects,
    sentences,
    text,
    walk,
)
from matcher.reference.identifiers import clean_amount
from matcher.reference.text import clean

#: Where the national schemas hold award criteria.
CRITERIA = tuple(
    "criteres criteresAttrib critereAttribution CRITERES CRITERES_ATTRIB CRITERES_PONDERES".split()
)
_WEIGHING = re.compile(r"(?i)poids|pond|pct|pourcent|coef|weight")


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
        yield from (one for one in criteria.listed(text(raw)[:20_000]) if one.weight is not None)


NATURES: dict[str, domain.Nature] = {
    "rectificatif": "correction",
    "attribution": "award",
    "annulation": "cancellation",
}
REFERENCES = ("identifiantInterne", "idMarche", "REFERENCE_MARCHE", "REF_MARCHE", "numReference")
DEADLINES = tuple(
    "dateReceptionOffres receptOffres RECEPT_OFFRES RECEPT_CANDIDAT dateReceptionCandidatures".split()
)
ADDRESSES = ("urlDocConsul", "URL_DOCUMENT", "urlProfilAch", "urlProfilAcheteur", "URL_PROFIL_ACHETEUR")
CONTACT = (
    ("nomContact", "correspondantPRM"),
    ("adresseMailContact", "mel", "MEL"),
    ("telContact", "tel", "TEL"),
)
PLACES = ("lieuExecution", "lieuExecutionLivraison", "LIEU_EXEC_LIVR", "LIEU_PRINCIPAL", "lieuPrincipal")
HOLDERS = ("PersonneMorale", "DENOMINATION", "denomination", "raisonSociale", "nom", "NOM")
AMOUNTS = ("montant", "MONTANT", "valeur", "VALEUR")
DAYS = ("dateAttribution", "DATE_ATTRIBUTION", "dateNotification")
#: Key of a duration -> its unit.
DURATIONS = {
    **dict.fromkeys(("dureeMois", "nbMois", "DUREE_MOIS"), "MONTH"),
    **dict.fromkeys(("dureeJours", "nbJours", "DUREE_JOURS"), "DAY"),
}


class National:
    """A notice of the national schemas (FNSimple, MAPA, Boamp_v230), or of an unknown one."""

    def __init__(self, record: Json, content: Json, idweb: str) -> None:
        schemas = map(content.get, ("FNSimple", "MAPA", "DSP", "DIVERS", "FNS"))
        inner = next((one for one in schemas if isinstance(one, dict)), None)
        if inner is None and len(content) == 1:
            only = next(iter(content.values()))
            older = {"IDENTITE", "OBJET", "PROCEDURE", "organisme"} & content.keys()
            inner = only if isinstance(only, dict) and not older else None
        self.record, self.idweb = record, idweb
        self.data: Json = inner if inner is not None else content
        self.state = next(filter(self.data.get, (*NATURES, "initial")), "")
        body = self.data.get(self.state)
        self.body: Json = body if isinstance(body, dict) else self.data
        market = first(dig(self.body, "natureMarche"), dig(self.body, "description"), self.data.get("OBJET"))
        self.market: Json = market if isinstance(market, dict) else {}

    def tender(self) -> domain.Tender:
        """The notice, completed from its own words."""
        title, description = self.words()
        where = _address(self.organisation())
        lots = facts.placed(self.lots(title or description[:200], description), where)
        buyer = facts.buyer(*self.buyer(), where)
        nature = "award" if self.data.get("ATTRIBUTION") else NATURES.get(self.state, "call")
        made = domain.Tender(
            id=self.idweb,
            format="boamp",
            title=title or f"Avis {self.idweb}",
            description=description,
            buyer=buyer,
            lots=lots,
            nature=nature,
            reference=clean(self.anywhere(*REFERENCES), 200),
            deadline=facts.moment(self.anywhere(*DEADLINES), department=where.department),
            documents_url=facts.link(self.anywhere(*ADDRESSES)),
            contact=facts.contact(self.anywhere(*keys) for keys in CONTACT),
            related=tuple(t for t in map(text, found(self.body, "idWeb")) if t),
            change=self.change(title, description),
            awards=self.awards(lots, buyer) if nature == "award" else (),
            flags=() if self.market else ("schema-unknown",),
        )
        by_lot = {lot.id: "\n".join(sentences(raw)) for lot, raw in zip(lots, self.raw_lots(), strict=False)}
        without = ("lots", "lotsMarche", "LOTS", "LOT", "organisme", "IDENTITE")
        read_as_fields = CRITERIA if any(lot.criteria for lot in lots) else ()
        general = "\n".join(sentences(self.data, without=(*without, *read_as_fields)))
        return clauses.complete(terms.told(made, general, by_lot), general, by_lot)

    def change(self, title: str, description: str) -> str:
        """What a correction or a cancellation says beside the object that it repeats; "" of another notice."""
        if self.state not in ("rectificatif", "annulation"):
            return ""
        texts = map(clean, sentences(self.data[self.state]))
        return clean(" ; ".join(one for one in texts if one not in (title, description)))

    def words(self) -> tuple[str, str]:
        """Title and description; of an unknown schema, all human-written text."""
        title = clean(self.text_at(("intitule",), ("TITRE_MARCHE",)) or text(self.record.get("objet")))
        description = clean(
            self.text_at(("description",), ("objet",), ("OBJET_COMPLET",))
            or text(dig(self.body, "caracteristiques", "principales"))
        )
        if not self.market:
            description = description or clean(" ".join(sentences(self.data)), 20_000)
            title = title or description[:200]
        return title, description

    def buyer(self) -> tuple[str, str]:
        """Identifier and name of the buyer."""
        stated = self.organisation()
        id_ = named(stated, "codeIdentificationNational", "CODE_IDENT_NATIONAL", "SIRET")
        name = named(stated, "acheteurPublic", "nomOfficiel", "DENOMINATION")
        return id_, name or text(self.record.get("nomacheteur"))

    def text_at(self, *paths: tuple[str, ...]) -> str:
        return next((t for t in (text(dig(self.market, *path)) for path in paths) if t), "")

    def anywhere(self, *keys: str) -> str:
        """The first text found under one of these keys, wherever it stands."""
        return next(filter(None, _texts(self.data, *keys)), "")

    def organisation(self) -> Json:
        one = first(self.data.get("organisme"), self.data.get("IDENTITE"), self.data.get("ORGANISME"))
        return one if isinstance(one, dict) else {}

    # -- the lots

    def raw_lots(self) -> list[Any]:
        paths = (("lots", "lot"), ("lots",), ("lotsMarche", "lot"), ("lotsMarche",), ("LOTS", "LOT"))
        for holder, path in product((self.body, self.market, self.data), paths):
            if raw := [one for one in objects(dig(holder, *path)) if one.get("lot") is None]:
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
            contract_type=facts.contract_type(
                self.anywhere("typeMarche", "TYPE_MARCHE", "natureDuMarche")
                or text(self.record.get("type_marche")).strip("[]'\" ")
            ),
            duration_months=self.duration(self.market) or self.duration(self.body),
            reservation=self.reservation(self.data),
            conditions=tuple(facts.group_form(self.anywhere("formeJuridique", "FORME_JUR"))),
            criteria=tuple(self.criteria(self.body)),
        )
        return tuple(self.lot(one, i, whole, len(raw) == 1) for i, one in enumerate(raw, 1)) or (whole,)

    def lot(self, raw: Json, place: int, whole: domain.Lot, alone: bool) -> domain.Lot:
        number, heading = numbered(named(raw, "numLot", "numero", "num", "NUM", "NUM_LOT", "numeroLot"))
        title = clean(named(raw, "intitule", "INTITULE", "titre", "TITRE", "objet", "OBJET"))
        description = clean(named(raw, "description", "DESCRIPTION", "principales"))
        amount = self.amount(raw) or (whole.amount if alone else None)
        return replace(
            whole,
            id=f"{self.idweb}/{place}",
            number=number or str(place),
            title=title or heading or description[:200] or whole.title,
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
        for key in PLACES:
            for one in listed(raw.get(key)):
                if isinstance(one, dict):
                    street = text(dig(one, "voie", "nomvoie")) or named(one, "ADRESSE", "adresse", "libelle")
                    cp, city = named(one, "cp", "CP"), named(one, "ville", "VILLE")
                    codes_ = (text(n) for n in listed(first(one.get("codeNuts"), one.get("CODE_NUTS"))))
                    label = " ".join(filter(None, (street, cp, city)))
                    nuts = list(filter(None, codes_)) or [""]
                    made += [facts.place(label, postcode=cp, city=city, nuts=n) for n in nuts if label or n]
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
            paths = (("fourchette", "valeurHaute"), ("valeur",), ("#text",))
            for value in (one, *(dig(one, *path) for path in paths)):
                if amount := clean_amount(text(value)):
                    return amount
        return None

    def duration(self, raw: Json) -> float | None:
        for key, unit in DURATIONS.items():
            for one in (raw.get(key), dig(raw, "duree", key), dig(raw, "DUREE_DELAI", key)):
                if months := facts.months(text(one), unit):
                    return months
        for one in (raw.get("duree"), raw):
            if isinstance(one, dict) and one.get("dateACompterDu"):
                return facts.span(text(one.get("dateACompterDu")), text(one.get("jusquau")))
        return None

    def reservation(self, raw: Json) -> domain.Reservation | None:
        """A ticked box: a key that speaks of reservation, not of its absence, and is not answered by no."""
        for key, value in walk(raw):
            name = key.rsplit("/", 1)[-1]
            if not re.search(r"(?i)reserv|ateliers?_?prot|emplois?_?prot", name) or re.search(
                r"(?i)non|reference|texte|sans|visite|salle", name
            ):
                continue
            answer, path = value.strip().lower(), key.lower()
            if answer in ("non", "false", "0", "no", "sans", "none") or path.endswith(("/non", "_non")):
                continue
            if "oui" in path or answer in ("oui", "true", "1", "x", "yes") or not answer or len(answer) > 20:
                return domain.Reservation(
                    passage=clean(value, 600) if len(answer) > 20 else f"Case cochée dans l'avis : {name}"
                )
        return None

    def criteria(self, raw: Json) -> Iterator[domain.Criterion]:
        """The award criteria, whatever the schema: a text cut at its items, or blocks of a name and a weight."""
        return (criterion for key in CRITERIA for one in found(raw, key) for criterion in _criteria(one))

    # -- the awards

    def awards(self, lots: tuple[domain.Lot, ...], buyer: domain.Buyer) -> tuple[domain.Award, ...]:
        body = first(dig(self.data, "ATTRIBUTION"), dig(self.body, "attribution"), self.body)
        keys = ("resultat", "DECISION", "attribue", "lot")
        blocks = [block for key in keys for block in objects(dig(body, key))]
        made = []
        for place, block in enumerate(blocks or [body] if isinstance(body, dict) else [], 1):
            holders = tuple(dict.fromkeys(_holders(block)))
            stated = (next(found(block, key), None) for key in ("NUM_LOT", "numLot", "numero"))
            number = text(first(*stated))
            named_lots = (x for x in lots if number and lot_number(x.number) == lot_number(number))
            lot = next(named_lots, facts.only(lots))
            amount = next(filter(None, map(clean_amount, _texts(block, *AMOUNTS))), None)
            received = next(filter(str.isdigit, _texts(self.body, "nbOffresRecues", "NB_OFFRE_RECU")), "")
            award = facts.award(
                "boamp",
                self.idweb,
                place,
                lot,
                holders,
                title=lot.title if lot else clean(text(self.record.get("objet"))),
                buyer=buyer,
                amount=amount,
                notified=next(filter(None, map(facts.day, _texts(block, *DAYS))), None),
                offers_received=facts.count(received),
            )
            made += [award] if holders else []
        return tuple(made)


def _texts(raw: Any, *keys: str) -> Iterator[str]:
    """The texts under these keys, wherever they stand, one key after the other."""
    return (text(one) for key in keys for one in found(raw, key))


def _address(organisation: Json) -> domain.Place:
    inner = organisation.get("adr")
    address: Json = inner if isinstance(inner, dict) else organisation
    return facts.place(postcode=named(address, "cp", "CP"), city=named(address, "ville", "VILLE"))


def _holders(block: Json) -> Iterator[domain.Holder]:
    for key in ("titulaire", "TITULAIRE", "attributaire"):
        for one in (x for group in found(block, key) for x in listed(group)):
            if isinstance(one, dict):
                name = named(one, *HOLDERS)
                code = named(one, "siret", "SIRET", "CODE_IDENT_NATIONAL", "codeIdentificationNational")
            else:
                name, code = text(one), ""
            if name:
                yield facts.holder(code, name, _address(one) if isinstance(one, dict) else None)
