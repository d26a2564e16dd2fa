"""The defence forms of TED XML R2.0.8 (F16 to F18), laid out as those of R2.0.9: one reader then reads both."""

from copy import deepcopy

from lxml import etree

from matcher.reading.sources._tree import Element, kid, value, words
from matcher.reference.tables import code_list

#: Path in R2.0.9 -> the names of the same field before: the first that stands at whatever depth counts, or each.
FIELDS = code_list("ted defence fields")
SEVERAL = code_list("ted defence several")
BUYER = "ORGANISATION/OFFICIALNAME ORGANISATION/NATIONALID E_MAILS/E_MAIL CONTACT_POINT PHONE POSTAL_CODE TOWN COUNTRY"
LOT = {"TITLE": "LOT_TITLE", "LOT_NO": "LOT_NUMBER", "SHORT_DESCR": "LOT_DESCRIPTION"}


def modern(form: Element) -> Element:
    """The form with the fields of R2.0.9 beside its own."""
    fields = [(path, _first(form, *names.split())) for path, names in FIELDS.items()]
    fields += [(path, one) for path, names in SEVERAL.items() for one in _below(form, *names.split())]
    profile = _first(form, "CA_CE_CONCESSIONAIRE_PROFILE")
    address = "CONTRACTING_BODY/ADDRESS_CONTRACTING_BODY"
    fields += [(f"{address}/{path.rpartition('/')[2]}", kid(profile, path)) for path in BUYER.split()]
    fields.append((f"{address}/CONTACT_POINT", kid(profile, "ATTENTION")))
    informs = _first(form, "FURTHER_INFORMATION")
    fields.append(("CONTRACTING_BODY/ADDRESS_FURTHER_INFO/PHONE", _first(informs, "PHONE")))
    fields += [
        ("OBJECT_CONTRACT/CPV_MAIN/CPV_CODE", code) for code in _below(_first(form, "CPV"), "CPV_CODE")
    ]
    lots: list[Element | None] = [*form.iter("F17_ANNEX_B"), *form.iter("LOT_PRIOR_INFORMATION")]
    where = _first(form, "LOCATION_NUTS", "SITE_OR_LOCATION")
    limit = _first(form, "RECEIPT_LIMIT_DATE", "RECEIPT_LIMIT")
    lasting = _first(form, "DURATION_FRAMEWORK_YEAR", "DURATION_FRAMEWORK_MONTH") if lots else None
    months = value(_first(form, "PERIOD_WORK_DATE_STARTING"), "MONTHS")
    framework = _first(form, "F17_FRAMEWORK")
    total = _first(form, "TOTAL_FINAL_VALUE")
    weighed = list(form.iter("CRITERIA_DEFINITION"))
    contracts = list(form.iter("AWARD_OF_CONTRACT_DEFENCE"))
    for path, found in fields:
        _copied(form, path, found)
    for lot in lots or [None]:
        described = _new(form, "OBJECT_CONTRACT/OBJECT_DESCR")
        for field, before in LOT.items():
            _copied(described, field, kid(lot, before))
        for code in _below(lot, "CPV_CODE"):
            _copied(described, "CPV_ADDITIONAL/CPV_CODE", code)
        _new(described, "MAIN_SITE", value(where, "LOCATION") or value(where, "LABEL"))
        for code in _below(where, "NUTS"):
            _copied(described, "NUTS", code)
        for one in weighed:
            _copied(described, "AC/AC_CRITERIA", one)
        estimate = lot if lot is not None else _first(form, "TOTAL_ESTIMATED")
        _new(described, "VAL_OBJECT", _cost(estimate, "HIGH_VALUE"))  # the upper end of its range
        _copied(described, "OPTIONS_DESCR", _first(form, "OPTION_DESCRIPTION"))
        if lasting is not None:
            _new(described, "DURATION", words(lasting)).set("TYPE", lasting.tag.rpartition("_")[2])
        if lot is None:
            _copied(described, "SHORT_DESCR", kid(form, "OBJECT_CONTRACT/SHORT_DESCR"))
            _new(described, "DURATION", months).set("TYPE", "MONTH")
    _new(form, "LEGAL_BASIS").set("VALUE", "32009L0081")
    _new(form, "PROCEDURE/DATE_RECEIPT_TENDERS", _day(limit))
    _new(form, "PROCEDURE/TIME_RECEIPT_TENDERS", value(limit, "TIME"))
    if framework is not None:
        _new(form, "PROCEDURE/FRAMEWORK")
    _new(form, "OBJECT_CONTRACT/VAL_TOTAL", _cost(total))
    for contract in contracts:
        award = _new(form, "AWARD_CONTRACT")
        _copied(award, "TITLE", kid(contract, "CONTRACT_TITLE"))
        for block in contract.iter("ECONOMIC_OPERATOR_NAME_ADDRESS"):
            for name in block.iter("OFFICIALNAME"):
                holder = _new(award, "AWARDED_CONTRACT/CONTRACTOR/ADDRESS_CONTRACTOR")
                _copied(holder, "OFFICIALNAME", name)
        _new(award, "AWARDED_CONTRACT/VAL_TOTAL", _cost(contract))
        _new(award, "AWARDED_CONTRACT/DATE_CONCLUSION_CONTRACT", _day(kid(contract, "CONTRACT_AWARD_DATE")))
    return form


def _below(at: Element | None, *names: str) -> list[Element]:
    return [one for name in names for one in at.iter(name)] if at is not None else []


def _first(at: Element | None, *names: str) -> Element | None:
    return next(iter(_below(at, *names)), None)


def _new(at: Element, path: str, text: str = "") -> Element:
    """A further element at a path, of which what stands above it is made where it is missing."""
    *above, name = path.split("/")
    for step in above:
        there = kid(at, step)
        at = etree.SubElement(at, step) if there is None else there
    made = etree.SubElement(at, name)
    made.text = text
    return made


def _copied(at: Element, path: str, found: Element | None) -> None:
    if found is not None:
        made = _new(at, path)
        made.text = found.text
        made.attrib.update(found.attrib)
        made.extend(deepcopy(list(found)))


def _cost(below: Element | None, *other: str) -> str:
    cost = _first(below, "VALUE_COST", *other)
    return (cost.get("FMTVAL") or words(cost)) if cost is not None else ""


def _day(at: Element | None) -> str:
    year, month, day = (value(at, part) for part in ("YEAR", "MONTH", "DAY"))
    return f"{year}-{month.zfill(2)}-{day.zfill(2)}" if year else ""
