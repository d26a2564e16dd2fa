"""UBL notices of the eForms regulation (EU 2019/1780), from XML or from the JSON that BOAMP makes of it.

`notice(root)` reads a tree of local names (see `_tree`).  A lot is a `ProcurementProjectLot` whose scheme is
"Lot"; of a planning notice that has none, a "Part".  A "LotsGroup" is no lot.
Numbers such as BT-71 are the business terms of the regulation.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from matcher import domain
from matcher.reading import clauses, terms
from matcher.reading.sources import _facts as facts
from matcher.reading.sources._tree import Element, attribute, kid, kids, value, values, words
from matcher.reference.french import counted
from matcher.reference.identifiers import clean_amount
from matcher.reference.prose import folded
from matcher.reference.tables import code_list
from matcher.reference.text import clean

ROOTS = ("ContractNotice", "PriorInformationNotice", "ContractAwardNotice")
DOCUMENTS = "TenderingTerms/CallForTendersDocumentReference/Attachment/ExternalReference/URI"
EXTENSION = "UBLExtensions/UBLExtension/ExtensionContent/EformsExtension"

#: Nature by notice type (BT-02).
TYPES: dict[str, domain.Nature] = code_list("eforms notice types")
RESERVED = code_list("eforms reserved")
SOCIAL = code_list("eforms social objectives")
PROCEDURES: dict[str, str] = code_list("eforms procedures")


#: Buyer by its legal type (BT-11): those that the thresholds tell apart.
BUYERS: dict[str, Literal["state", "local"]] = code_list("eforms buyers")
#: The first letters of the number-weight codes: per-exa and per-mid, poi-exa and poi-mid.
WEIGHT_UNITS: dict[str, Literal["%", "points", ""]] = {"per": "%", "poi": "points", "dec": ""}


def missing(root: Element) -> list[str]:
    """Missing mandatory fields of a notice and plain errors, in words."""
    organisations = kids(root, f"{EXTENSION}/Organizations/Organization")
    kind = value(root, "NoticeTypeCode")
    stated: dict[str, object] = {
        "its identifier (BT-701)": value(root, "ID"),
        "its date of dispatch (BT-05)": value(root, "IssueDate"),
        "its type (BT-02)": kind,
        "its language (BT-702)": value(root, "NoticeLanguageCode"),
        "the name of a buyer (BT-500)": any(value(o, "Company/PartyName/Name") for o in organisations),
        # on these planning notices the project as a whole is not described
        "the title of the project (BT-21)": kind in ("pin-buyer", "pin-only", "pmc")
        or value(root, "ProcurementProject/Name"),
        "the content of an organisation (BT-500): an Organization element is empty": all(
            map(len, organisations)
        ),
    }
    pieces = kids(root, "ProcurementProjectLot")
    real = [piece for piece in pieces if attribute(piece, "ID", "schemeName") in ("Lot", "Part")]
    # on a buyer's profile no contract is announced, hence no lot
    stated["a lot or a part (BT-137)"] = real or kind == "pin-buyer"
    for i, piece in enumerate(real, 1):
        name = value(piece, "ID") or f"lot {i}"
        stated[f"the identifier of {name} (BT-137)"] = value(piece, "ID")
        if kind == "can-modif":  # only the changed fields of a lot are repeated
            continue
        project = kid(piece, "ProcurementProject")
        mains = kids(project, "MainCommodityClassification")
        languages = [one.get("languageID") for one in kids(project, "Name")]
        twice = len(languages) != len(set(languages))
        stated |= {
            f"the title of {name} (BT-21)": value(project, "Name"),
            f"the description of {name} (BT-24)": value(project, "Description"),
            f"the main CPV of {name} (BT-262)": mains
            and all(value(main, "ItemClassificationCode") for main in mains),
            f"one title for {name} (BT-21): two are given in one language": not twice,
        }
    return [what for what, field in stated.items() if not field]


def notice(root: Element, *, id: str = "", strict: bool = True) -> domain.Tender:
    """The tender of a notice; `id` replaces the notice's own.

    Raises BadInput that says what is missing or impossible; with `strict=False` only for what nothing can
    replace, for notices that a publisher has already checked.
    """
    if strict:
        lacks = missing(root)
        reasons = f"invalid notice, missing: {'; '.join(lacks)}" if lacks else "invalid notice"
        nothing = re.fullmatch(r"0+", value(root, "TenderingTerms/LotDistribution/MaximumLotsAwardedNumeric"))
        if lacks or nothing:
            none = "; at most 0 lots may be awarded to one tenderer (BT-33)" if nothing else ""
            raise domain.BadInput(reasons + none)
    return _Notice(root, id).tender()


class _Notice:
    def __init__(self, root: Element, id: str) -> None:
        self.root = root
        self.extension = kid(root, EXTENSION)
        self.kind = value(root, "NoticeTypeCode")
        language = value(root, "NoticeLanguageCode").upper()
        others = [code.upper() for code in values(root, "AdditionalNoticeLanguage/ID")]
        self.language = "FRA" if "FRA" in others else language
        self.id = id or value(self.extension, "Publication/NoticePublicationID") or value(root, "ID")
        self.id = re.sub(r"^0{1,20}(?=\d+-\d{4}$)", "", self.id)
        self.organisations = {
            value(one, "Company/PartyIdentification/ID"): kid(one, "Company")
            for one in kids(self.extension, "Organizations/Organization")
        }

    def french(self, element: Element | None, path: str) -> str:
        """The text at a path in French, else in the language of the notice, else the first."""
        elements = kids(element, path)
        if len(elements) > 1:
            for wanted in ("FRA", self.language):
                for one in elements:
                    if one.get("languageID") == wanted and words(one):
                        return clean(words(one))
        return clean(words(elements[0])) if elements else ""

    def tender(self) -> domain.Tender:
        project = kid(self.root, "ProcurementProject")
        pieces = kids(self.root, "ProcurementProjectLot")
        schemes = [attribute(one, "ID", "schemeName") for one in pieces]
        lotted = ("Lot", "") if {"Lot", ""}.intersection(schemes) else ("Part",)
        real = [one for one, scheme in zip(pieces, schemes, strict=True) if scheme in lotted]
        first, alone = next(iter(real), None), real[0] if len(real) == 1 else None
        title = self.french(project, "Name") or self.french(first, "ProcurementProject/Name")
        title = title or self.french(self.extension, "NoticePurpose/PurposeCode")
        description = self.french(project, "Description")
        made = tuple(self.lot(one, title) for one in real or [self.root])
        lots = facts.placed(self.sized(self.named(made, real), project), self.main_buyer.place)
        limits = kid(self.root, "TenderingTerms/LotDistribution")
        numbered = re.fullmatch(r"\d+-\d{4}", self.id)
        documents = list(dict.fromkeys(url for one in real for url in values(one, DOCUMENTS)))
        tender = domain.Tender(
            id=self.id,
            format="eforms",
            title=title or f"Avis {self.id}",
            description=description,
            buyer=self.main_buyer,
            joint_buyers=self.joint_buyers(),
            lots=lots,
            nature=self.nature(),
            reference=clean(value(project, "ID") or value(alone, "ProcurementProject/ID"), 200),
            family="JOUE",
            procedure=self.procedure(),
            language="fr" if self.language == "FRA" else self.language.lower(),
            published=facts.day(
                value(self.extension, "Publication/PublicationDate") or value(self.root, "IssueDate")
            ),
            deadline=min((lot.deadline for lot in lots if lot.deadline), default=None),
            url=f"https://ted.europa.eu/fr/notice/-/detail/{self.id}" if numbered else "",
            documents_url=facts.link(documents[0]) if documents else "",
            related=self.related(),
            contact=self.contact(),
            lots_per_tender=facts.count(value(limits, "MaximumLotsSubmittedNumeric")),  # BT-31
            lots_per_winner=facts.count(value(limits, "MaximumLotsAwardedNumeric")),  # BT-33
            change=self.change(),
            awards=self.awards(lots),
            folder=value(self.root, "ContractFolderID"),
            flags=facts.basis_flags(
                value(self.root, "RegulatoryDomain"), outside=self.procedure() == facts.BELOW
            ),
        )
        # BT-88, the features of the procedure, and its terms
        parts = (kid(self.root, name) for name in ("TenderingProcess", "TenderingTerms"))
        said = (text for part in parts for text in self.texts(part))
        general = "\n".join([description, self.french(project, "Note"), *said])
        by_lot = {lot.id: "\n".join(self.texts(one)) for lot, one in zip(lots, real, strict=False)}
        return clauses.complete(terms.told(tender, general, by_lot), general, by_lot)

    def nature(self) -> domain.Nature:
        kind: domain.Nature = TYPES.get(self.kind, "other")
        if set(values(self.extension, "NoticeResult/LotResult/TenderResultCode")) == {"clos-nw"}:
            return "cancellation"  # the award form tells too that nothing was awarded
        changes = kid(self.extension, "Changes")
        if changes is None or kind == "modification":
            return kind
        reason = value(changes, "ChangeReason/ReasonCode")
        return "cancellation" if reason == "cancel" else "correction"

    def change(self) -> str:
        parts = [
            self.french(one, path)
            for where in ("Changes", "ContractModification")
            for one in kids(self.extension, where)
            for path in ("ChangeReason/ReasonDescription", "Change/ChangeDescription")
        ]
        return " ; ".join(dict.fromkeys(filter(None, parts)))

    def related(self) -> tuple[str, ...]:
        ids = [
            *values(self.extension, "Changes/ChangedNoticeIdentifier"),
            *values(self.extension, "ContractModification/ChangedNoticeIdentifier"),
            *values(self.root, "TenderingProcess/NoticeDocumentReference/ID"),
            *values(self.root, "ProcurementProjectLot/TenderingProcess/NoticeDocumentReference/ID"),
        ]
        # "<uuid>-01" names a version of a notice; ours are known by their uuid, or by their publication number
        short = (re.sub(r"^0{1,20}(?=\d+-\d{4}$)|(?<=^[0-9a-f-]{36})-\d\d$", "", one) for one in ids)
        return tuple(dict.fromkeys(one for one in short if one != self.id))

    def procedure(self) -> str:
        code = value(self.root, "TenderingProcess/ProcedureCode")
        if value(self.root, "TenderingProcess/ProcessJustification/ProcessReasonCode") == "below-thres":
            return facts.BELOW  # below the directives, on a form made for what is above (BT-136)
        return PROCEDURES.get(code, code)

    def party(self, company: Element | None) -> tuple[str, str, domain.Place]:
        """Identifier, name and place of an organisation."""
        number, name = value(company, "PartyLegalEntity/CompanyID"), self.french(company, "PartyName/Name")
        return number, name, _address(kid(company, "PostalAddress"))

    @cached_property
    def main_buyer(self) -> domain.Buyer:
        path = "ContractingParty/Party/PartyIdentification/ID"
        reference = next(values(self.root, path), next(iter(self.organisations), ""))
        return facts.buyer(*self.party(self.organisations.get(reference)), self.buyer_type())

    def buyer_type(self) -> domain.AuthorityType:
        path = "ContractingParty/ContractingPartyType/PartyTypeCode"
        if value(self.root, "RegulatoryDomain") == facts.UTILITIES or "cont-ent" in values(self.root, path):
            return "entity"
        codes = map(words, self.coded(self.root, path, "buyer-legal-type"))
        return next((BUYERS[code] for code in codes if code in BUYERS), "")

    def joint_buyers(self) -> tuple[domain.Buyer, ...]:
        references = list(values(self.root, "ContractingParty/Party/PartyIdentification/ID"))
        distinct = [one for one in dict.fromkeys(references[1:]) if one != references[0]]
        others = map(self.organisations.get, distinct)
        return tuple(facts.buyer(*self.party(one)) for one in others if one is not None)

    # -- the lots

    @staticmethod
    def named(lots: tuple[domain.Lot, ...], elements: list[Element]) -> tuple[domain.Lot, ...]:
        """The lots without the main CPV that all repeat, the contract's, unless what they add to it holds it too."""
        mains = {lot.cpv[0] for lot in lots if lot.cpv}
        if len(lots) < 2 or len(mains) > 1:
            return lots
        path = "ProcurementProject/AdditionalCommodityClassification/ItemClassificationCode"
        added = (facts.cpvs(values(one, path)) for one in elements)
        return tuple(replace(lot, cpv=codes or lot.cpv) for lot, codes in zip(lots, added, strict=True))

    def sized(self, lots: tuple[domain.Lot, ...], project: Element | None) -> tuple[domain.Lot, ...]:
        """A single lot gets the estimate of the whole contract (BT-27); what was awarded (BT-161) is none."""
        amount, currency, _ = self.amount(project)
        if len(lots) != 1 or lots[0].amount is not None or not amount:
            return lots
        return (replace(lots[0], amount=amount, amount_period="total", currency=currency),)

    def lot(self, lot: Element, title: str) -> domain.Lot:
        project = kid(lot, "ProcurementProject")
        published = "1" if lot is self.root else value(lot, "ID") or "1"
        number = re.sub(r"^(?:LOT|PAR)-0*", "", published) or "1"  # "LOT-0000": the contract is not divided
        amount, currency, ceiling = self.amount(project)
        conditions = list(self.conditions(lot))
        if ceiling:
            label = f"Maximum de l'accord-cadre : {ceiling:,.0f} {currency}".replace(",", "\u202f")
            conditions.append(domain.Condition(code="framework-maximum", label=label))
        return domain.Lot(
            id=f"{self.id}/{published}",
            title=self.french(project, "Name") or title or f"Avis {self.id}",
            number=number,
            description=self.french(project, "Description"),
            cpv=facts.cpvs(self.codes(project))
            or facts.cpvs(self.codes(kid(self.root, "ProcurementProject"))),
            places=self.places(project),
            amount=amount if amount is not None else (ceiling or None),
            amount_period="total" if amount or ceiling else "",
            amount_max=ceiling or None,
            currency=currency,
            contract_type=self.contract_type(project),
            duration_months=self.duration(project),
            **self.renewals(project),
            options=self.french(project, "ContractExtension/OptionsDescription"),
            start=facts.day(value(project, "PlannedPeriod/StartDate")),
            deadline=self.deadline(lot),
            reservation=self.reservation(lot),
            clauses=self.clauses(lot),
            conditions=tuple(conditions),
            criteria=facts.told(tuple(self.criteria(lot))),
        )

    def codes(self, project: Element | None) -> Iterator[str]:
        for path in ("MainCommodityClassification", "AdditionalCommodityClassification"):
            yield from values(project, f"{path}/ItemClassificationCode")

    def places(self, project: Element | None) -> tuple[domain.Place, ...]:
        places = []
        for where in kids(project, "RealizedLocation"):
            address, label = kid(where, "Address"), self.french(where, "Description")
            # the site is described in the street field when there is no town
            if not value(address, "CityName"):
                label = label or value(address, "StreetName")
            region = value(address, "Region")
            if address is None and not label:
                continue
            if region in ("anyw", "anyw-cou", "anyw-eea"):
                label = label or {"anyw-cou": "Partout dans le pays"}.get(region, "Partout")
            places.append(_address(address, label))
        return tuple(dict.fromkeys(places))

    def amount(self, project: Element | None) -> tuple[float | None, str, float]:
        """(estimated amount, currency, of a result that of what was awarded, maximum of the framework or 0)."""
        estimate = kid(project, "RequestedTenderTotal/EstimatedOverallContractAmount")
        ceiling = kid(project, f"RequestedTenderTotal/{EXTENSION}/FrameworkMaximumAmount")
        paid = kids(self.extension, "NoticeResult/LotTender/LegalMonetaryTotal/PayableAmount")
        stated = next((e for e in (*paid, estimate, ceiling) if e is not None), None)
        currency = (stated.get("currencyID") if stated is not None else None) or "EUR"
        return clean_amount(words(estimate)), currency, clean_amount(words(ceiling)) or 0.0

    def duration(self, project: Element | None) -> float | None:
        period = kid(project, "PlannedPeriod")
        unit = attribute(period, "DurationMeasure", "unitCode")
        days = (value(period, name) for name in ("StartDate", "EndDate"))
        return facts.months(value(period, "DurationMeasure"), unit) or facts.span(*days)

    def contract_type(self, project: Element | None) -> domain.ContractType:
        """The nature of the contract: the lot's own (BT-23), else that of the whole."""
        whole = kid(self.root, "ProcurementProject")
        stated = (value(one, "ProcurementTypeCode") for one in (project, whole))
        return facts.contract_type(next(filter(None, stated), ""))

    def renewals(self, project: Element | None) -> dict[str, Any]:
        """How many renewals there may be (BT-58), each as long as the text says (BT-57)."""
        words_ = self.french(project, "ContractExtension/Renewal/Period/Description")
        count = facts.count(value(project, "ContractExtension/MaximumNumberNumeric"))
        stated = terms.renewals(self.duration(project), folded(words_)) if words_ else {}
        return {
            "renewals": stated.get("renewals", count),  # the sentence tells more than a number left as it was
            "renewal_months": stated.get("renewal_months"),
        }

    def contact(self) -> domain.Contact:
        """The organisation that informs (OPT-301), else whom the buyer names for questions (BT-502, -503, -506)."""
        paths = ("ProcurementProjectLot/TenderingTerms/AdditionalInformationParty", "ContractingParty/Party")
        references = (next(values(self.root, f"{path}/PartyIdentification/ID"), "") for path in paths)
        blocks = (kid(self.organisations.get(one), "Contact") for one in references)
        return facts.contact(
            *([value(at, f) for f in ("Name", "ElectronicMail", "Telephone")] for at in blocks)
        )

    def deadline(self, lot: Element) -> datetime | None:
        interest = f"{EXTENSION}/InterestExpressionReceptionPeriod"  # of a prior notice that calls
        names = ("TenderSubmissionDeadlinePeriod", "ParticipationRequestReceptionPeriod", interest)
        periods = (kid(lot, f"TenderingProcess/{name}") for name in names)
        ends = (facts.moment(value(period, "EndDate"), value(period, "EndTime")) for period in periods)
        return next(filter(None, ends), None)

    def coded(self, lot: Element, path: str, list_name: str) -> list[Element]:
        return [one for one in kids(lot, path) if one.get("listName") == list_name]

    def reservation(self, lot: Element) -> domain.Reservation | None:
        path = "TenderingTerms/TendererQualificationRequest/SpecificTendererRequirement"
        for one in self.coded(lot, f"{path}/TendererRequirementTypeCode", "reserved-procurement"):
            code = words(one)
            if code in RESERVED:
                return facts.reserved(code != "res-pub-ser", code == "res-pub-ser", RESERVED[code])
        return None

    def clauses(self, lot: Element) -> tuple[domain.Clause, ...]:
        clauses = []
        path = "TenderingTerms/ContractExecutionRequirement/ExecutionRequirementCode"
        if "yes" in map(words, self.coded(lot, path, "reserved-execution")):
            passage = "Exécution réservée à des programmes d'emplois protégés (BT-736)"
            clauses.append(domain.Clause(passage=passage))
        path = "ProcurementProject/ProcurementAdditionalType/ProcurementTypeCode"
        for code in map(words, self.coded(lot, path, "social-objective")):
            if code and code != "none":
                passage = f"Objectif social : {SOCIAL.get(code, code)} (BT-775)"
                clauses.append(domain.Clause(nature="objective", passage=passage))
        return tuple(dict.fromkeys(clauses))

    def criteria(self, lot: Element) -> Iterator[domain.Criterion]:
        """The award criteria (BT-539, -734, -540) with the weights that are numbers (BT-541, -5421)."""
        for one in kids(lot, "TenderingTerms/AwardingTerms/AwardingCriterion/SubordinateAwardingCriterion"):
            code = value(one, "AwardingCriterionTypeCode")
            kind = code if code in ("price", "cost", "quality") else ""
            parts = (self.french(one, "Name"), self.french(one, "Description"))
            weight, unit = None, ""
            for parameter in kids(one, f"{EXTENSION}/AwardCriterionParameter"):
                if (code := words(kid(parameter, "ParameterCode"))[:3]) in WEIGHT_UNITS:
                    weight, unit = facts.weight(value(parameter, "ParameterNumeric"))[0], WEIGHT_UNITS[code]
            name = " : ".join(dict.fromkeys(filter(None, parts))) or ("Prix" if kind == "price" else "")
            if name or weight is not None:
                yield domain.Criterion(name=name, kind=kind, weight=weight, weight_unit=unit)  # type: ignore[arg-type]

    def conditions(self, lot: Element) -> Iterator[domain.Condition]:
        terms, process = kid(lot, "TenderingTerms"), kid(lot, "TenderingProcess")
        path = "TenderingProcess/ContractingSystem/ContractingSystemTypeCode"
        for code in map(words, self.coded(lot, path, "framework-agreement")):
            if code not in ("", "none"):
                most = value(process, "FrameworkAgreement/MaximumOperatorQuantity")
                label = f"Accord-cadre, {counted(most, 'titulaire')} au plus" if most else "Accord-cadre"
                yield domain.Condition(code="framework", label=label)
        variants = value(terms, "VariantConstraintCode")
        if variants in ("allowed", "required"):
            yield domain.Condition(
                code="variants", label="Variantes exigées" if variants == "required" else "Variantes admises"
            )
        if value(terms, "RequiredFinancialGuarantee/GuaranteeTypeCode") == "true":
            yield domain.Condition(code="guarantee", label="Garantie financière demandée")
        yield from facts.group_form(self.french(terms, "TendererQualificationRequest/CompanyLegalForm")[:600])
        if value(terms, "SecurityClearanceTerm/Code") == "true":
            yield domain.Condition(code="clearance", label="Habilitation de sécurité demandée")
        limits = kid(self.root, "TenderingTerms/LotDistribution")
        fields = ("MaximumLotsAwardedNumeric", "MaximumLotsSubmittedNumeric")
        yield from facts.lot_limits(*(value(limits, field) for field in fields))
        urls = list(values(lot, DOCUMENTS))
        if urls and urls[0] != next(values(self.root, f"ProcurementProjectLot/{DOCUMENTS}"), ""):
            yield domain.Condition(code="documents", label="Dossier de consultation", passage=urls[0])

    def texts(self, part: Element | None) -> Iterator[str]:
        """Every text written by a person below an element, in the chosen language, once."""
        seen: set[str] = set()
        for tag in ("Name", "Description", "Note", "ValueDescription", "CompanyLegalForm"):
            for one in part.iter(tag) if part is not None else ():
                above = one.getparent()
                if above is not None and (above.tag.endswith("AwardingCriterion") or above.tag == "Prize"):
                    continue  # criteria are read as fields; prizes are no part of the contract
                if one.get("languageID") in (None, "FRA", self.language) or self.language != "FRA":
                    text = clean(words(one))
                    if text and text not in seen:
                        seen.add(text)
                        yield text

    # -- the awards

    def awards(self, lots: tuple[domain.Lot, ...]) -> tuple[domain.Award, ...]:
        result = kid(self.extension, "NoticeResult")
        tenders = {value(one, "ID"): one for one in kids(result, "LotTender")}
        parties = {value(one, "ID"): one for one in kids(result, "TenderingParty")}
        contracts = {
            i: one
            for one in kids(result, "SettledContract")
            for i in (value(one, "ID"), *values(one, "LotTender/ID"))
        }
        by_lot = {lot.id: lot for lot in lots}
        made = []
        # a change, or a contract without a call, may tell its tenders alone
        for place, one in enumerate(kids(result, "LotResult") or tenders.values(), 1):
            if value(one, "TenderResultCode") not in ("selec-w", ""):
                continue
            lot = by_lot.get(f"{self.id}/{value(one, 'TenderLot/ID')}") or facts.only(lots)
            own = value(one, "ID")
            signed = [contracts[i] for i in (own, *values(one, "SettledContract/ID")) if i in contracts]
            # a lot lists all its tenders; those of its contracts are the winning ones
            winning = {i for contract in signed for i in values(contract, "LotTender/ID")} or tenders.keys()
            listed = (i for i in (own, *values(one, "LotTender/ID")) if i in winning)
            offers = [tenders[i] for i in listed if i in tenders]
            chosen = [parties[i] for o in offers for i in values(o, "TenderingParty/ID") if i in parties]
            winners = (i for party in chosen for i in values(party, "Tenderer/ID"))
            holders = [facts.holder(*self.party(self.organisations.get(i))) for i in winners]
            amounts = (clean_amount(value(offer, "LegalMonetaryTotal/PayableAmount")) for offer in offers)
            dates = (value(each, path) for path in ("IssueDate", "AwardDate") for each in signed)
            received = (
                facts.count(value(each, "StatisticsNumeric"))
                for each in kids(one, "ReceivedSubmissionsStatistics")
                if value(each, "StatisticsCode") == "tenders"
            )
            # the title of the contract (BT-721) that settles one lot, not of one that settles several together
            titles = (self.french(each, "Title") for each in signed if len(kids(each, "LotTender")) == 1)
            name = lot.title if lot else self.french(self.root, "ProcurementProject/Name")
            about: dict[str, Any] = {
                "title": next(filter(None, titles), name),
                "buyer": self.main_buyer,
                "amount": sum(filter(None, amounts)) or None,
                "notified": next(filter(None, map(facts.day, dates)), None),
                "procedure": self.procedure(),
                "offers_received": next(received, None),
            } | ({"relation": "modification"} if self.nature() == "modification" else {})
            together = len(holders) > 1 and len(chosen) == 1
            distinct = tuple(dict.fromkeys(holders))
            made.append(facts.award("eforms", self.id, place, lot, distinct, together, **about))
        return tuple(made)


ADDRESS = {"postcode": "PostalZone", "city": "CityName", "nuts": "CountrySubentityCode"}
ADDRESS |= {"nation": "Country/IdentificationCode"}


def _address(address: Element | None, label: str = "") -> domain.Place:
    return facts.place(label, **{part: value(address, path) for part, path in ADDRESS.items()})
