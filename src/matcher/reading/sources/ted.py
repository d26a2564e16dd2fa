"""TED XML R2.0.9 (2014 to 2023), forms F01 to F25, and the older shapes of defence and MOVE notices.

The text is taken in French where the notice has it, else in its original language.  In R2.0.9 the lots
are the `OBJECT_DESCR` of that language: there is no other count.  Lot numbers repeat or are missing in
real notices, so the lot's id is its place; its number is as published, without the word "lot".
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import BinaryIO, Literal

from matcher import domain
from matcher.reading import clauses, terms
from matcher.reading.procedure import lot_number, numbered
from matcher.reading.sources import _facts as facts
from matcher.reading.sources import _tree as tree
from matcher.reading.sources._ted_defence import modern
from matcher.reading.sources._tree import Element, attribute, kid, kids, value, values
from matcher.reference.identifiers import clean_amount, clean_date
from matcher.reference.prose import folded, in_figures, lots_named
from matcher.reference.tables import code_list
from matcher.reference.text import clean

YIELDS = "tender"
#: Nature by form; forms that hold several kinds of notice are told apart by `NOTICE/@TYPE`.
FORMS: dict[str, domain.Nature] = code_list("ted forms")
TYPES: dict[str, domain.Nature] = code_list("ted notice types")
#: The document type of the coded data (TD_DOCUMENT_TYPE), for forms that are not in the table.
DOCUMENTS: dict[str, domain.Nature] = code_list("ted document types")
PROCEDURES: dict[str, str] = code_list("ted procedures")
#: What `PROCEDURES` calls negotiated without a call, where a concession is awarded so.
WITHOUT_CALL = frozenset(name for name in PROCEDURES if "_WITHOUT_" in name)
CONCEDED = "attribution de concession, sans publication préalable"
#: Reasons of annex D for no call: outside the directives, or services that they only list.
ADAPTED = frozenset({"D_OUTSIDE_SCOPE", "D_SERVICES_LISTED"})
#: What leaves the procedure to the text.
UNTOLD = ("", "mise en concurrence")
TELLS_WAY = re.compile(r"proc.dure|appel d.offres|sans publicit", re.I)
#: Forms of concessions alone; not all that use them state their legal basis.
CONCESSIONS = frozenset({"F23", "F24", "F25"})
NAMES_CONCESSION = re.compile(r"concession|délégation|\bDSP\b|affermage", re.I)
#: Buyer by its type (CA_TYPE): those that the thresholds tell apart.
BUYERS: dict[str, Literal["state", "local"]] = code_list("ted buyers")
#: Activities of a contracting entity in words; any other, of who took its form, leaves the type to the buyer's number.
NETWORK = re.compile(
    r"\beau\b|gaz|chaleur|énerg|électri|transport|\b(?:bus|ports?|portuaires?)\b|aéro|ferrov", re.I
)
Kind = Literal["price", "cost", "quality", ""]
CRITERIA: dict[str, Kind] = {"AC_PRICE": "price", "AC_COST": "cost", "AC_QUALITY": "quality"}
CRITERIA |= {"AC_CRITERIA": "", "AC_CRITERION": ""}
RESERVED = code_list("ted reserved")
#: Where what is said of the whole notice stands.
TEXTS: list[str] = code_list("ted texts")  # type: ignore[assignment]
#: "Prestation réservée à la profession d'architecte"
OF_PROFESSION = re.compile(r"[^.;\n]{0,200}réservée?s? à (?:la|une) profession\b[^.;\n]*")
#: "Communes concernées : Arradon, Séné et Vannes"
COMMUNES = re.compile(r"\b[Cc]ommunes? (?:concernée|suivante|desservie)s? ?:\s*([^.;]+)")
#: Article 77 of directive 2014/24/EU, which this field names, is article L2113-15 of the code.
SERVICE_MISSION = "RESERVED_ORGANISATIONS_SERVICE_MISSION"


def recognises(name: str, head: bytes) -> bool:
    """True for a document whose root is TED_EXPORT."""
    return b"TED_EXPORT" in head[:4096].replace(b"\x00", b"")


def read(stream: BinaryIO, name: str) -> Iterator[domain.Tender | domain.Rejected]:
    """The notice of the file.  Raises BadInput when it is not a sound TED document."""
    root = tree.parse(tree.slurp(stream, name), name)
    if root.tag != "TED_EXPORT":
        raise domain.BadInput(f"{name}: not a TED notice: its root is {root.tag}, not TED_EXPORT")
    journal = value(root, "CODED_DATA_SECTION/NOTICE_DATA/NO_DOC_OJS")
    number = (root.get("DOC_ID") or "").strip() or facts.notice_number(journal)
    match = re.fullmatch(r"0{0,20}(\d{1,20})-(\d{4})", number)
    document = f"{match.group(1)}-{match.group(2)}" if match else number
    try:
        if not document:
            raise domain.BadInput("no document number: DOC_ID and NO_DOC_OJS are missing")
        yield reader(root, document).tender()
    except domain.BadInput as error:
        yield domain.Rejected(path=name, record=document or name, reason=str(error))


def reader(root: Element, document: str) -> _Form:
    """The form of a document in French, else in the original language.  Raises BadInput when there is none."""
    forms = [form for form in kids(root, "FORM_SECTION/*") if form.get("LG") or form.get("FORM")]
    if not forms:
        raise domain.BadInput("no form in FORM_SECTION: the notice holds its coded data alone")
    form = max(forms, key=lambda form: 2 if form.get("LG") == "FR" else form.get("CATEGORY") == "ORIGINAL")
    form = modern(form) if form.tag.endswith("DEFENCE") else form
    return _Form(form, kid(root, "CODED_DATA_SECTION"), document)


class _Form:
    """A form of R2.0.9."""

    def __init__(self, form: Element, coded: Element | None, document: str) -> None:
        self.form, self.coded, self.document = form, coded, document
        self.alive = list(form.iter())  # else each look at an element makes its Python object again
        self.names = [one.tag for one in self.alive]
        self.outside = not ADAPTED.isdisjoint(self.names)  # an adapted procedure, on a form made for others
        self.objects = kids(form, "OBJECT_CONTRACT")
        self.object = self.objects[0] if self.objects else None
        self.procedure = kid(form, "PROCEDURE")

    def tender(self) -> domain.Tender:
        title = clean(self.title())
        if not title:
            raise domain.BadInput("no title: OBJECT_CONTRACT/TITLE is missing or empty")
        raw, nature = self.descriptions(), self.kind
        lots = tuple(self.lot(one, place, len(raw) == 1, title) for place, one in enumerate(raw, 1))
        lots = facts.placed(lots, self.main_buyer.place)
        others = map(_buyer, kids(self.form, "CONTRACTING_BODY/ADDRESS_CONTRACTING_BODY_ADDITIONAL"))
        # where the documents are, else where one takes part
        sites = (value(self.form, f"CONTRACTING_BODY/URL_{name}") for name in ("DOCUMENT", "PARTICIPATION"))
        own = f"{folded(self.main_buyer.name)}:"  # an office: "Ville de Paris: direction des achats"
        address = value(self.form, "CONTRACTING_BODY/ADDRESS_CONTRACTING_BODY/ADDRESS")
        tender = domain.Tender(
            id=self.document,
            format="ted",
            title=title,
            description=clean(value(self.object, "SHORT_DESCR")),
            buyer=self.main_buyer,
            joint_buyers=tuple(one for one in others if not f"{folded(one.name)}:".startswith(own)),
            lots=lots,
            nature=nature,
            reference=clean(value(self.object, "REFERENCE_NUMBER"), 200),
            family="JOUE",
            procedure=self.way,
            language=(self.form.get("LG") or "fr").lower(),
            published=facts.day(value(self.coded, "REF_OJS/DATE_PUB")),
            deadline=self.deadline,
            url=f"https://ted.europa.eu/fr/notice/-/detail/{self.document}",
            documents_url=next(filter(None, map(facts.link, sites)), ""),
            related=(
                *map(facts.notice_number, values(self.coded, "NOTICE_DATA/REF_NOTICE/NO_DOC_OJS")),
                *facts.earlier(tree.words(self.form)),
            ),
            change=clean(self.change()),
            awards=self.awards(lots) if nature in ("award", "modification") else (),
            cancels=tuple(map(lot_number, values(self.form, "AWARD_CONTRACT/LOT_NO")))
            if nature == "cancellation"
            else (),
            contact=self.contact,
            lots_per_tender=self.most_lots("LOT_MAX_NUMBER"),
            lots_per_winner=self.most_lots("LOT_MAX_ONE_TENDERER"),
            flags=self.flags,
        )
        by_lot = dict(zip((lot.id for lot in lots), self.lot_texts(), strict=False))
        return clauses.complete(terms.told(tender, self.general, by_lot, address), self.general, by_lot)

    # -- the notice

    def title(self) -> str:
        return value(self.object, "TITLE")

    @cached_property
    def main_buyer(self) -> domain.Buyer:
        return _buyer(kid(self.form, "CONTRACTING_BODY/ADDRESS_CONTRACTING_BODY"), self.buyer_type)

    @cached_property
    def kind(self) -> domain.Nature:
        number = self.form.tag.split("_")[0]
        kind = attribute(self.form, "NOTICE", "TYPE")
        if number == "F23" and kind == "PRI":  # a concession of social services is called for by this notice
            return "call"
        coded = attribute(self.coded, "CODIF_DATA/TD_DOCUMENT_TYPE", "CODE")
        of_form = FORMS.get(number) or FORMS.get(self.form.tag)
        stated = TYPES.get(kind) or of_form or DOCUMENTS.get(coded, "other")
        results = [one.tag for path in ("AWARD_CONTRACT/*", "RESULTS/*") for one in kids(self.form, path)]
        winners = [tag for tag in results if "AWARDED" in tag]
        # the award form tells too that nothing was awarded
        ended = winners and all(tag.startswith("NO_") for tag in winners)
        return "cancellation" if stated == "award" and ended else stated

    @cached_property
    def way(self) -> str:
        texts = [text for text in (self.title(), self.general, *self.lot_texts()) if TELLS_WAY.search(text)]
        plain = "\n".join(map(folded, texts))
        concession = "concession" in self.flags
        if self.outside and not concession:
            return facts.BELOW if terms.adapted(plain) else terms.procedure(plain) or facts.BELOW
        if terms.adapted(plain) and not concession:
            return facts.ADAPTED
        if concession and not WITHOUT_CALL.isdisjoint(self.names):
            return CONCEDED
        # below a DIRECTIVE_* in the forms of several directives
        stated = next((PROCEDURES[name] for name in self.names if name in PROCEDURES), "")
        return (terms.procedure(plain) if stated in UNTOLD else "") or stated

    @cached_property
    def basis(self) -> str:
        """The directive that the notice names as its legal basis, by its number: "32014L0023"."""
        named = re.match(r"(\d{4})/(\d{1,4})/", attribute(self.form, "DIRECTIVE", "VALUE"))  # "2014/23/EU"
        old = f"3{named[1]}L{int(named[2]):04}" if named else ""
        return attribute(self.form, "LEGAL_BASIS", "VALUE") or old

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """What the legal basis, else the form, says of the notice; outside their forms, concessions are named as such."""
        tag = self.form.tag
        concession = tag.split("_")[0] in CONCESSIONS or tag.startswith("CONTRACT_CONCESSION")
        flags = facts.basis_flags(self.basis, self.outside) or (("concession",) if concession else ())
        named = concession or NAMES_CONCESSION.search(f"{self.title()}\n{self.general}")
        return tuple(flag for flag in flags if flag != "concession" or named)

    @cached_property
    def contract_type(self) -> domain.ContractType:
        codes = (one.get("CTYPE") or one.get("VALUE") for one in self.alive if one.tag == "TYPE_CONTRACT")
        coded = value(self.coded, "CODIF_DATA/NC_CONTRACT_NATURE")  # a contest has no field
        return facts.contract_type(next(codes, None) or coded)

    @property
    def contact(self) -> domain.Contact:
        paths = ("ADDRESS_FURTHER_INFO", "ADDRESS_CONTRACTING_BODY")
        blocks = (kid(self.form, f"CONTRACTING_BODY/{path}") for path in paths)
        return facts.contact(*([value(at, f) for f in ("CONTACT_POINT", "E_MAIL", "PHONE")] for at in blocks))

    @cached_property
    def turnovers(self) -> dict[str, float | None]:
        """The yearly turnover that is required for each lot, by its number; by "" that for every lot alike."""
        fields = ("ECONOMIC_FINANCIAL_MIN_LEVEL", "RULES_CRITERIA", "ECONOMIC_FINANCIAL_INFO")
        levels = [tree.lines(kid(self.form, f"LEFTI/{field}")) for field in fields]
        required = terms.requiring_turnover(self.general)
        alike = (terms.turnover(text, self.total) for text in (*levels, required))
        return {"": next(filter(None, alike), None), **terms.turnovers("\n".join((*levels[:2], required)))}

    def most_lots(self, field: str) -> int | None:
        """Lots for which one may tender, or that one may be awarded; None where there is no limit."""
        if field == "LOT_MAX_NUMBER" and kid(self.object, "LOT_DIVISION/LOT_ONE_ONLY") is not None:
            return self.most_lots("LOT_MAX_ONE_TENDERER") or 1  # one may be awarded what one tenders for
        return facts.count(value(self.object, f"LOT_DIVISION/{field}"))

    @cached_property
    def buyer_type(self) -> domain.AuthorityType:
        activities = [one for one in self.alive if one.tag.startswith("CE_ACTIVITY")]
        network = any(one.tag == "CE_ACTIVITY" or NETWORK.search(tree.words(one)) for one in activities)
        if network or (self.basis == facts.UTILITIES and not activities):
            return "entity"
        return BUYERS.get(attribute(self.form, "CONTRACTING_BODY/CA_TYPE", "VALUE"), "")

    @cached_property
    def deadline(self) -> datetime | None:
        day, hour = (value(self.procedure, f"{part}_RECEIPT_TENDERS") for part in ("DATE", "TIME"))
        for one in kids(self.form, "CHANGES/CHANGE"):  # a correction gives the new one
            if value(one, "WHERE/SECTION").startswith("IV.2.2"):
                day, hour = (value(one, f"NEW_VALUE/{part}") for part in ("DATE", "TIME"))
                break
        stated = facts.moment(day, hour, self.main_buyer.place.department)
        if attribute(self.form, "NOTICE", "TYPE").endswith("CALL_COMPETITION") or (
            not stated and self.kind == "prior"
        ):
            told = terms.answers_due(folded(self.general)) or ("", "")
            due = facts.moment(*told, self.main_buyer.place.department)
            return min(filter(None, (stated, due)), default=None)  # interest is shown before one tenders
        return stated

    def change(self) -> str:
        parts = []
        for one in kids(self.form, "CHANGES/CHANGE"):
            where = " ".join(values(one, "WHERE/*"))
            old, new = _changed(kid(one, "OLD_VALUE")), _changed(kid(one, "NEW_VALUE"))
            parts.append(f"{where} : « {old} » devient « {new} »" if old else f"{where} : « {new} »")
        parts += values(self.form, "CHANGES/INFO_ADD")
        parts += values(self.form, "MODIFICATIONS_CONTRACT/INFO_MODIFICATIONS/SHORT_DESCR")
        return " ; ".join(parts)

    # -- the lots

    def descriptions(self) -> list[Element]:
        """The lots; the object of the contract, where none is described."""
        return [lot for one in self.objects for lot in kids(one, "OBJECT_DESCR")] or self.objects[:1]

    @cached_property
    def lot_lines(self) -> list[dict[str, str]]:
        """The texts of each lot by their fields, a paragraph a line."""
        names = ("TITLE", "SHORT_DESCR", "INFO_ADD", "OPTIONS_DESCR", "RENEWAL_DESCR", "MAIN_SITE")
        return [
            {name: _told(stated, name) for name in names if name in stated}
            for stated in map(tree.grouped, self.descriptions())
        ]

    def lot(self, lot: Element, place: int, alone: bool, title: str) -> domain.Lot:
        stated, said = tree.grouped(lot), self.lot_lines[place - 1]
        whole = lot if lot is self.object else lot.getparent()
        main = _cpvs(kids(whole, "CPV_MAIN/CPV_CODE"))
        first = {name: found[0] for name, found in stated.items()}
        # The main CPV is the contract's: it names a lot's trade only where the lot is alone or names none.
        own = _cpvs(code for one in stated.get("CPV_ADDITIONAL", ()) for code in kids(one, "CPV_CODE"))
        codes = tuple(dict.fromkeys((*main, *own))) if alone else own or main
        worth = first.get("VAL_OBJECT")
        number, heading = numbered(clean(tree.words(first.get("LOT_NO")), 200))
        amounts = [*filter(None, (clean_amount(tree.words(worth)), self.total if alone else None))]
        amount = (
            (max(amounts) if "RENEWAL" in first else amounts[0]) if amounts else None
        )  # the total is with renewals
        change = kid(self.form, "MODIFICATIONS_CONTRACT/DESCRIPTION_PROCUREMENT") if alone else None
        lasting = [_lasting(one) for one in (change, lot) if one is not None]
        begins = next(filter(None, (value(one, "DATE_START") for one in (change, lot))), "")
        sole = self.sole_lot if alone else None
        described = clean(said.get("SHORT_DESCR"))
        brief = "" if alone or len(described) > 150 else described  # one of several lots without a title
        called = brief or clean(value(whole, "TITLE")) or title
        called = clean(said.get("TITLE")) or (sole and sole[1]) or called
        return domain.Lot(
            id=f"{self.document}/{place}",
            title=called if folded(heading) in folded(called) else f"{heading} — {called}",
            number=number or (sole[0] if sole else str(place)),
            description=described,
            cpv=codes,
            places=_places(stated, said.get("INFO_ADD", "")),
            amount=amount,
            amount_period="total" if amount else "",
            amount_max=self.most(number, alone),
            currency=((worth.get("CURRENCY") or "").strip() if worth is not None else "") or self.currency,
            contract_type=self.contract_type,
            turnover_min=terms.turnover(terms.requiring_turnover(said.get("INFO_ADD", "")))
            or self.turnovers.get(lot_number(number.partition(" (")[0]), self.turnovers[""]),
            duration_months=max(filter(None, lasting), default=None),  # a change may state what it adds
            renewals=0 if "NO_RENEWAL" in first else None,
            options=clean(said.get("OPTIONS_DESCR")),
            start=facts.day(begins),
            deadline=self.deadline,
            reservation=self.reservation,
            conditions=tuple(one for one in self.stated(stated) if self.concerns(one, number)),
            criteria=self.criteria(lot, first),
        )

    def criteria(self, lot: Element, stated: dict[str, Element]) -> tuple[domain.Criterion, ...]:
        """The award criteria of a lot, in the order of the form."""
        directive = next((one for name, one in stated.items() if name.startswith("DIRECTIVE_")), None)
        holder = stated.get("AC") if "AC" in stated else kid(directive, "AC")
        holder = holder if holder is not None else directive if directive is not None else lot
        fields = tuple(_criterion(one, CRITERIA[one.tag]) for one in holder if one.tag in CRITERIA)
        cheapest = attribute(self.coded, "CODIF_DATA/AC_AWARD_CRIT", "CODE") == "1"
        price = (domain.Criterion(name="Prix", kind="price"),) if cheapest else ()
        return facts.told(fields or self.contest_criteria or price)

    @cached_property
    def contest_criteria(self) -> tuple[domain.Criterion, ...]:
        """How the projects of a contest are judged, or the offers of a procedure that its features describe."""
        names = ("CRITERIA_EVALUATION", "MAIN_FEATURES_AWARD")
        contest, features = (tree.lines(kid(self.procedure, name)) for name in names)
        return facts.judged(contest, only=True) or facts.judged(features)

    @cached_property
    def total(self) -> float | None:
        estimate = clean_amount(value(self.object, "VAL_ESTIMATED_TOTAL"))
        totals = (self.final, estimate) if self.kind in domain.AWARDED else (estimate, self.final)
        return next(filter(None, totals), None) or clean_amount(value(self.object, "VAL_OBJECT"))

    @cached_property
    def final(self) -> float | None:
        """The total of what was awarded."""
        return clean_amount(value(self.object, "VAL_TOTAL"))

    def most(self, number: str, alone: bool) -> float | None:
        """The upper end of what the contracts of a lot are worth, where that range is told in place of a value."""
        key = lot_number(number)
        its = (one for one in self.contracts if alone or lot_number(value(one, "LOT_NO")) == key)
        ends = [euros for one in its if (euros := _total(one, "HIGH")) and euros > terms.SYMBOLIC]
        return max(ends, default=None)

    @cached_property
    def contracts(self) -> list[Element]:
        return kids(self.form, "AWARD_CONTRACT")

    @property
    def sole_lot(self) -> tuple[str, str] | None:
        """Number and title of the only lot that is awarded, where the object is described as a whole."""
        if kid(self.object, "NO_LOT_DIVISION") is not None:
            return None
        contracts = [one for one in self.contracts if value(one, "LOT_NO")]
        lots = {(numbered(clean(value(one, "LOT_NO")))[0], clean(value(one, "TITLE"))) for one in contracts}
        return lots.pop() if len(lots) == 1 else None

    @cached_property
    def currency(self) -> str:
        fields = ("VAL_ESTIMATED_TOTAL", "VAL_TOTAL")
        return next(filter(None, (attribute(self.object, one, "CURRENCY") for one in fields)), "EUR")

    @cached_property
    def reservation(self) -> domain.Reservation | None:
        left = tree.grouped(kid(self.form, "LEFTI"))
        passages = {field: text for field, text in RESERVED.items() if field in left}
        workshop = not passages.keys() <= {SERVICE_MISSION}
        return facts.reserved(workshop, SERVICE_MISSION in passages, " ; ".join(passages.values()))

    @staticmethod
    def concerns(condition: domain.Condition, number: str) -> bool:
        """Whether a reserved profession is that of a lot: it may be said of others alone."""
        named = lots_named(folded(condition.passage)) if "lot " in condition.passage[:12].lower() else ()
        return condition.code != "profession" or not named or lot_number(number) in named

    def stated(self, lot: Container[str]) -> tuple[domain.Condition, ...]:
        """The conditions of a lot, of which the names of its fields are given."""
        conditions = []
        if (framework := kid(self.procedure, "FRAMEWORK")) is not None:
            several = kid(framework, "SEVERAL_OPERATORS") is not None
            label = terms.SEVERAL_HOLDERS if several else terms.ONE_HOLDER
            conditions.append(domain.Condition(code="framework", label=label))
        if "ACCEPTED_VARIANTS" in lot:
            conditions.append(domain.Condition(code="variants", label="Variantes admises"))
        return (*conditions, *self.general_conditions)

    @cached_property
    def general_conditions(self) -> tuple[domain.Condition, ...]:
        """What the notice states for every lot."""
        awarded = clean(value(self.object, "LOT_DIVISION/LOT_MAX_ONE_TENDERER"), 20)
        conditions = [*facts.lot_limits(awarded, str(self.most_lots("LOT_MAX_NUMBER") or ""))]
        conditions += facts.group_form(value(self.form, "LEFTI/LEGAL_FORM"))
        names = ("PARTICULAR_PROFESSION", "REFERENCE_TO_LAW")
        fields = [value(self.form, f"LEFTI/{name}") for name in names]
        told = OF_PROFESSION.findall(self.general) if not any(fields) else []
        return (*conditions, *(one for text in (*fields, *told[:1]) for one in facts.profession(text)))

    # -- the awards

    def awards(self, lots: tuple[domain.Lot, ...]) -> tuple[domain.Award, ...]:
        # a contract without a number may bear the title of its lot, or a number in its own
        titles = [lot_number(lot.title) for lot in lots]
        keyed = {key: lot for key, lot in zip(titles, lots, strict=True) if titles.count(key) == 1}
        keyed |= {lot_number(lot.number): lot for lot in reversed(lots)}
        made = []
        for place, one in enumerate(self.contracts, 1):
            if (contract := kid(one, "AWARDED_CONTRACT")) is not None:
                named = value(one, "LOT_NO") or value(one, "TITLE")
                lot = keyed.get(lot_number(named)) or facts.only(lots)
                made.append(self.award(one, contract, lot, place, alone=len(self.contracts) == 1))
        for place, prize in enumerate(kids(self.form, "RESULTS/AWARDED_PRIZE"), 1):
            made.append(self.award(prize, prize, lots[0], place))
        for contract in kids(self.form, "MODIFICATIONS_CONTRACT/DESCRIPTION_PROCUREMENT"):
            award = self.award(contract, contract, lots[0], 1)
            changed = kid(contract.getparent(), "INFO_MODIFICATIONS")
            made.append(replace(award, amount=_total(changed, "VAL_TOTAL_AFTER") or award.amount))
        return tuple(made)

    def award(
        self, one: Element, contract: Element, lot: domain.Lot | None, place: int, alone: bool = False
    ) -> domain.Award:
        holders = tuple(
            facts.holder(value(p, "NATIONALID"), name, _address(p))
            for p in contract.iter("ADDRESS_CONTRACTOR", "ADDRESS_WINNER")
            if "sous-traitant" not in (name := value(p, "OFFICIALNAME"))
        )

        def first(*paths: str) -> str:
            return next(filter(None, (value(contract, path) for path in paths)), "")

        return facts.award(
            "ted",
            self.document,
            place,
            lot,
            holders,
            any(kid(contract, f"{path}AWARDED_TO_GROUP") is not None for path in ("", "CONTRACTORS/"))
            or (None if one is contract else False),  # the winners of one prize may be a team
            title=clean(value(one, "TITLE")) or (lot.title if lot else clean(self.title())),
            buyer=self.main_buyer,
            cpv=next(iter((lot and lot.cpv) or _cpvs(kids(self.object, "CPV_MAIN/CPV_CODE"))), None),
            amount=_total(contract) or (self.final if alone else None),
            notified=clean_date(first("DATE_CONCLUSION_CONTRACT", "DATE_DECISION_JURY")),
            procedure=self.way,
            offers_received=facts.count(first("NB_TENDERS_RECEIVED", "TENDERS/NB_TENDERS_RECEIVED")),
            **({"relation": "modification"} if self.kind == "modification" else {}),
        )

    # -- the texts in which clauses are sought

    @cached_property
    def general(self) -> str:
        """What is said of the whole notice, a paragraph a line."""
        elements = (one for path in TEXTS for one in kids(self.form, path))
        return "\n".join(filter(None, map(tree.lines, elements)))

    def lot_texts(self) -> list[str]:
        return ["\n".join(filter(None, said.values())) for said in self.lot_lines]


def _cpvs(codes: Iterable[Element]) -> tuple[str, ...]:
    return facts.cpvs(code.get("CODE") or "" for code in codes)


def _address(address: Element | None) -> domain.Place:
    codes = {"nuts": attribute(address, "NUTS", "CODE"), "nation": attribute(address, "COUNTRY", "VALUE")}
    return facts.place(postcode=value(address, "POSTAL_CODE"), city=value(address, "TOWN"), **codes)


def _buyer(address: Element | None, type: domain.AuthorityType = "") -> domain.Buyer:
    name = value(address, "OFFICIALNAME")
    return facts.buyer(value(address, "NATIONALID"), name, _address(address), type)


def _places(stated: dict[str, list[Element]], more: str) -> tuple[domain.Place, ...]:
    """The places of performance among the fields of a lot, or listed in what it adds."""
    listed = COMMUNES.search(more)
    site = tree.words(stated["MAIN_SITE"][0]) if "MAIN_SITE" in stated else listed[1] if listed else ""
    codes = [code for code in (one.get("CODE") for one in stated.get("NUTS", ())) if code]
    return tuple(facts.place(site, nuts=code) for code in codes or [""]) if codes or site else ()


def _lasting(described: Element) -> float | None:
    """The months that a description states, in figures or by its first and last day."""
    months = facts.months(value(described, "DURATION"), attribute(described, "DURATION", "TYPE"))
    return months or facts.span(value(described, "DATE_START"), value(described, "DATE_END"))


def _criterion(one: Element, kind: Kind) -> domain.Criterion:
    name = value(one, "AC_CRITERION") or value(one, "CRITERIA") if len(one) else tree.words(one)
    weight, unit = facts.weight(value(one, "AC_WEIGHTING") or value(one, "WEIGHTING"))
    name = in_figures(clean(name, 1000)) or ("Prix" if kind == "price" else "")
    return domain.Criterion(name=name, kind=kind, weight=weight, weight_unit=unit)


def _told(stated: dict[str, list[Element]], field: str) -> str:
    """The text of a field of a lot without what is of others alone; of renewals with the word that it need not say."""
    text, number = tree.lines(stated[field][0]), "".join(map(tree.words, stated.get("LOT_NO", ())))
    if field in ("RENEWAL_DESCR", "OPTIONS_DESCR") and number.isdecimal():
        named = ((one, lots_named(folded(one[:45]))) for one in text.split("\n"))
        text = "\n".join(one for one, lots in named if not lots or lot_number(number) in lots)
    renewed = re.search(r"recond|renouv|prolong|prorog", text, re.I) and not re.match(r"\w+ p.riodes", text)
    return text if renewed or field != "RENEWAL_DESCR" else f"Reconduction : {text}"


def _changed(side: Element | None) -> str:
    if side is None:
        return ""
    codes = [code.get("CODE") or "" for code in side.iter("CPV_CODE")]
    return " ".join([tree.words(side), *codes]).strip()


def _total(contract: Element | None, name: str = "VAL_TOTAL") -> float | None:
    """What a contract was awarded for."""
    stated = contract.iter(name) if contract is not None else ()
    return next(filter(None, (clean_amount(tree.words(one)) for one in stated)), None)
