"""BOAMP notices of the national schemas (FNSimple, MAPA, Boamp_v230), or of an unknown one, as trees (see `_tree`)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from matcher import domain
from matcher.reading import clauses, criteria, terms
from matcher.reading.procedure import lot_number, numbered
from matcher.reading.sources import _facts as facts
from matcher.reading.sources import _tree as tree
from matcher.reading.sources._json import Json, text
from matcher.reading.sources._tree import Element, kid, kids
from matcher.reference.identifiers import clean_amount
from matcher.reference.tables import code_list
from matcher.reference.text import clean

#: What is read -> the names under which the schemas hold it, the first of which counts.
NAMES: dict[str, list[str]] = {what: names.split() for what, names in code_list("boamp fields").items()}
NATURES: dict[str, domain.Nature] = code_list("boamp states")
LOTS = ("lots/lot", "lots", "lotsMarche/lot", "lotsMarche", "LOTS/LOT")
_WEIGHING = re.compile(r"(?i)poids|pond|pct|pourcent|coef|weight")
_TICKS = re.compile(r"(?i)reserv|ateliers?_?prot|emplois?_?prot")
_TICKS_NO = re.compile(r"(?i)non|reference|texte|sans|visite|salle")


def said(element: Element | None) -> str:
    """The own text of an element, without that of those in it."""
    return (element.text or "").strip() if element is not None else ""


def named(element: Element | None, what: str) -> str:
    """The own text of the first child that is not empty, of those that hold a thing."""
    return next(filter(None, (said(kid(element, name)) for name in NAMES[what])), "")


def anywhere(element: Element, what: str) -> Iterator[str]:
    """The own texts, not empty, of the elements that hold a thing, wherever they stand, one name after the other."""
    return filter(None, (said(one) for name in NAMES[what] for one in element.iter(name)))


class National:
    """A notice of the national schemas (FNSimple, MAPA, Boamp_v230), or of an unknown one."""

    def __init__(self, record: Json, content: Json, idweb: str) -> None:
        whole = tree.grow("donnees", content)
        schemas = [one for name in NAMES["schema"] for one in kids(whole, name) if len(one)]
        if not schemas and len(whole) == 1 and whole[0].tag not in NAMES["part of the older schema"]:
            schemas = [one for one in whole if len(one)]
        self.record, self.idweb = record, idweb
        self.data = next(iter(schemas), whole)
        self.state = next((name for name in (*NATURES, "initial") if tree.told(kid(self.data, name))), "")
        state = kid(self.data, self.state)
        self.body = self.data if state is None or not len(state) else state
        places = ((self.body, "natureMarche"), (self.body, "description"), (self.data, "OBJET"))
        market = next(filter(tree.told, (kid(*place) for place in places)), None)
        self.market = market if market is not None and len(market) else None

    def tender(self) -> domain.Tender:
        """The notice, completed from its own words."""
        title, description = self.words()
        organisation = next((one for one in self.children("organisation") if tree.told(one)), None)
        where = _address(organisation)
        lots = facts.placed(self.lots(title or description[:200], description), where)
        name = named(organisation, "buyer") or text(self.record.get("nomacheteur"))
        buyer = facts.buyer(named(organisation, "identifier"), name, where)
        nature = "award" if tree.told(kid(self.data, "ATTRIBUTION")) else NATURES.get(self.state, "call")
        made = domain.Tender(
            id=self.idweb,
            format="boamp",
            title=title or f"Avis {self.idweb}",
            description=description,
            buyer=buyer,
            lots=lots,
            nature=nature,
            reference=clean(self.anywhere("reference"), 200),
            deadline=facts.moment(self.anywhere("deadline"), department=where.department),
            documents_url=facts.link(self.anywhere("documents")),
            contact=facts.contact(map(self.anywhere, ("contact", "mail", "telephone"))),
            related=tuple(filter(None, map(said, self.body.iter("idWeb")))),
            change=self.change(title, description),
            awards=self.awards(lots, buyer) if nature == "award" else (),
            flags=() if self.market is not None else ("schema-unknown",),
        )
        by_lot = {
            lot.id: "\n".join(tree.sentences(raw)) for lot, raw in zip(lots, self.raw_lots(), strict=False)
        }
        without = (*NAMES["lots"], *NAMES["organisation"])
        read_as_fields = NAMES["criteria"] if any(lot.criteria for lot in lots) else ()
        general = "\n".join(tree.sentences(self.data, (*without, *read_as_fields)))
        return clauses.complete(terms.told(made, general, by_lot), general, by_lot)

    def change(self, title: str, description: str) -> str:
        """What a correction or a cancellation says beside the object that it repeats; "" of another notice."""
        changed = kid(self.data, self.state) if self.state in ("rectificatif", "annulation") else None
        texts = map(clean, tree.sentences(changed))
        return clean(" ; ".join(one for one in texts if one not in (title, description)))

    def words(self) -> tuple[str, str]:
        """Title and description; of an unknown schema, all human-written text."""
        title = clean(named(self.market, "title") or text(self.record.get("objet")))
        main = said(kid(self.body, "caracteristiques/principales"))
        description = clean(named(self.market, "object") or main)
        if self.market is None:
            description = description or clean(" ".join(tree.sentences(self.data)), 20_000)
            title = title or description[:200]
        return title, description

    def anywhere(self, what: str) -> str:
        """The first text that holds a thing, wherever it stands."""
        return next(anywhere(self.data, what), "")

    def children(self, what: str) -> Iterator[Element]:
        return (one for name in NAMES[what] for one in kids(self.data, name))

    # -- the lots

    def raw_lots(self) -> list[Element]:
        for holder, path in product((self.body, self.market, self.data), LOTS):
            if raw := [one for one in kids(holder, path) if len(one) and not tree.told(kid(one, "lot"))]:
                return raw
        return []

    def lots(self, title: str, description: str) -> tuple[domain.Lot, ...]:
        raw = self.raw_lots()
        market = self.market if self.market is not None else self.data
        amount, kind = self.amount(self.market), text(self.record.get("type_marche")).strip("[]'\" ")
        whole = domain.Lot(
            id=f"{self.idweb}/1",
            title=title or f"Avis {self.idweb}",
            description=description,
            cpv=facts.cpvs(tree.cpv_codes(market, without=("lots", "lotsMarche", "LOTS"))),
            places=self.places(self.market),
            amount=amount,
            amount_period="total" if amount else "",
            contract_type=facts.contract_type(self.anywhere("type") or kind),
            duration_months=self.duration(self.market) or self.duration(self.body),
            reservation=self.reservation(self.data),
            conditions=tuple(facts.group_form(self.anywhere("form of the group"))),
            criteria=tuple(self.criteria(self.body)),
        )
        return tuple(self.lot(one, i, whole, len(raw) == 1) for i, one in enumerate(raw, 1)) or (whole,)

    def lot(self, raw: Element, place: int, whole: domain.Lot, alone: bool) -> domain.Lot:
        number, heading = numbered(named(raw, "lot number"))
        description = clean(named(raw, "lot description"))
        title = clean(named(raw, "lot title")) or heading or description[:200] or whole.title
        amount = self.amount(raw) or (whole.amount if alone else None)
        return replace(
            whole,
            id=f"{self.idweb}/{place}",
            number=number or str(place),
            title=title,
            description=description or (whole.description if alone else ""),
            cpv=facts.cpvs(tree.cpv_codes(raw)) or whole.cpv,
            places=self.places(raw) or whole.places,
            amount=amount,
            amount_period="total" if amount else "",
            duration_months=self.duration(raw) or whole.duration_months,
            reservation=self.reservation(raw) or whole.reservation,
            criteria=tuple(self.criteria(raw)) or whole.criteria,
        )

    def places(self, raw: Element | None) -> tuple[domain.Place, ...]:
        fields = (kids(raw, name) for name in NAMES["place"])
        made = (tuple(dict.fromkeys(place for one in each for place in _places(one))) for each in fields)
        return next(filter(None, made), ())

    def amount(self, raw: Element | None) -> float | None:
        """The estimated value, or the upper end of the range that is stated; never a sum."""
        values = (
            value
            for name in NAMES["value"]
            for value in (name, f"{name}/fourchette/valeurHaute", f"{name}/valeur")
        )
        return next(filter(None, (clean_amount(said(kid(raw, value))) for value in values)), None)

    def duration(self, raw: Element | None) -> float | None:
        for unit, outer in product(("MONTH", "DAY"), ("", "duree/", "DUREE_DELAI/")):
            for name in NAMES[f"duration {unit}"]:
                if months := facts.months(said(kid(raw, outer + name)), unit):
                    return months
        for one in (kid(raw, "duree"), raw):
            if begins := said(kid(one, "dateACompterDu")):
                return facts.span(begins, said(kid(one, "jusquau")))
        return None

    def reservation(self, raw: Element) -> domain.Reservation | None:
        """A ticked box: a name that speaks of reservation, not of its absence, and is not answered by no."""
        for path, value in tree.leaves(raw):
            name, answer = path.rsplit("/", 1)[-1], value.lower()
            if not _TICKS.search(name) or _TICKS_NO.search(name) or answer in NAMES["no"]:
                continue
            long = len(answer) > 20
            if "oui" in path.lower() or answer in NAMES["yes"] or not answer or long:
                return domain.Reservation(
                    passage=clean(value, 600) if long else f"Case cochée dans l'avis : {name}"
                )
        return None

    def criteria(self, raw: Element) -> Iterator[domain.Criterion]:
        """The award criteria, whatever the schema: a text cut at its items, or blocks of a name and a weight."""
        fields = (one for name in NAMES["criteria"] for one in raw.iter(name))
        return (criterion for one in fields for criterion in _criteria(one))

    # -- the awards

    def awards(self, lots: tuple[domain.Lot, ...], buyer: domain.Buyer) -> tuple[domain.Award, ...]:
        bodies = (kid(self.data, "ATTRIBUTION"), kid(self.body, "attribution"), self.body)
        body = next((one for one in bodies if one is not None and tree.told(one)), self.body)
        blocks = [block for name in NAMES["result"] for block in kids(body, name) if len(block)]
        made = []
        for place, block in enumerate(blocks or [body], 1):
            number = next(anywhere(block, "number of the lot awarded"), "")
            named_lots = (x for x in lots if number and lot_number(x.number) == lot_number(number))
            lot = next(named_lots, facts.only(lots))
            about: dict[str, Any] = {
                "title": lot.title if lot else clean(text(self.record.get("objet"))),
                "buyer": buyer,
                "amount": next(filter(None, map(clean_amount, anywhere(block, "amount"))), None),
                "notified": next(filter(None, map(facts.day, anywhere(block, "day"))), None),
                "offers_received": facts.count(next(filter(str.isdigit, anywhere(self.body, "offers")), "")),
            }
            if holders := tuple(dict.fromkeys(_holders(block))):
                made.append(facts.award("boamp", self.idweb, place, lot, holders, **about))
        return tuple(made)


def _criteria(raw: Element) -> Iterator[domain.Criterion]:
    if not len(raw):
        yield from (one for one in criteria.listed(said(raw)[:20_000]) if one.weight is not None)
        return
    leaves = {one.tag: said(one) for one in raw if said(one)}
    weight, unit = facts.weight(next((one for name, one in leaves.items() if _WEIGHING.search(name)), ""))
    names = [
        one for name, one in leaves.items() if not _WEIGHING.search(name) and re.search(r"[^\W\d]{3}", one)
    ]
    if names and weight is not None:
        yield domain.Criterion(name=clean(max(names, key=len), 1000), weight=weight, weight_unit=unit)
        return
    for one in raw:
        yield from _criteria(one)


def _places(one: Element) -> Iterator[domain.Place]:
    if not len(one):
        code = re.search(r"(?<!\d)(\d{5})(?!\d)", said(one))
        if said(one):
            yield facts.place(said(one), postcode=code.group(1) if code else "")
        return
    postcode, city = named(one, "postcode"), named(one, "city")
    street = said(kid(one, "voie/nomvoie")) or named(one, "street")
    label = " ".join(filter(None, (street, postcode, city)))
    regions = [said(code) for name in NAMES["nuts"] for code in kids(one, name)]
    for nuts in list(filter(None, regions)) or [""]:
        if label or nuts:
            yield facts.place(label, postcode=postcode, city=city, nuts=nuts)


def _address(organisation: Element | None) -> domain.Place:
    inner = kid(organisation, "adr")
    address = organisation if inner is None or not len(inner) else inner
    return facts.place(postcode=named(address, "postcode"), city=named(address, "city"))


def _holders(block: Element) -> Iterator[domain.Holder]:
    for one in (one for name in NAMES["holder"] for one in block.iter(name)):
        if name := named(one, "name of a holder") or said(one):
            yield facts.holder(named(one, "identifier"), name, _address(one) if len(one) else None)
