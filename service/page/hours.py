"""Hours of insertion after the award: entered or imported, beside what was promised."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from matcher.console import csv_text
from matcher.domain import MatcherError
from matcher.records import exchange, worked
from matcher.records.keys import Bearer
from matcher.territory import ledger
from service import wire
from service.access import store_of
from service.page import fields, render
from service.page.render import Facts
from service.page.visitor import CheckedForm, Reader
from service.routes.exchange import buyer_of, name_of

router = APIRouter()
FILE = 2_000_000  # bytes of a table
CATEGORIES = {code: label for code, (label, _) in worked.CATEGORIES.items()}


#: A line of hours as it is typed.
LINE = fields.form(contract=300, siret=40, month=40, category=40, hours=40, promised=40, people=40)
Typed = Annotated[fields.Texts, LINE]


@router.get("/heures")
def show(request: Request, who: Reader, forme: str = "") -> Response:
    """The hours that one may see, by contract; all lines as CSV."""
    if forme == "csv":
        rows = ledger.hours_rows(worked.listing(store_of(request), who, buyer_of(request, who)))
        return wire.attachment(csv_text(rows), "text/csv; charset=utf-8", "heures-insertion.csv")
    return _page(request, who)


@router.post("/heures")
def enter(
    request: Request, who: Reader, form: CheckedForm, given: Typed, file: fields.File = None
) -> Response:
    """Enter a line, or the lines of a table."""
    if len(who.sirets) == 1:
        given["siret"] = who.sirets[0]
    try:
        if file and file.filename:
            table, contract = file.file.read(FILE), given["contract"].strip()
            lines, rejected = ledger.read_hours(table, file.filename, given["siret"], contract)
        else:
            amounts = {field: partial(ledger.amount_of, given, field) for field in ledger.AMOUNTS}
            fields.checked(month=lambda: ledger.month_of(given["month"]), **amounts)
            lines, rejected = [ledger.hours_of(given)], []
        worked.enter(store_of(request), who, lines)
    except MatcherError as error:
        return _page(request, who, problems=fields.problems_of(error, "contract"), typed=given)
    why = "".join(f" Écarté, {bad.record} : {bad.reason}." for bad in rejected[:5])
    return _page(request, who, done=f"Lignes notées : {len(lines)}.{why}")


def _page(request: Request, who: Bearer, done: str = "", **values: Any) -> Response:
    store, snapshot = store_of(request), request.app.state.serving.current
    lines = worked.listing(store, who, buyer_of(request, who))
    found = ledger.contracts(lines)
    known = snapshot.by_id if snapshot else {}
    notices = {offer.notice_id for offer in exchange.listing(store, who, mine=True)}
    titles = {name: known[name].title for name in {*notices, *(one.name for one in found)} if name in known}
    entered: Facts = {"contracts": found, "whole": ledger.counted("", lines) if len(found) > 1 else None}
    choices: Facts = {"titles": titles, "proposed": notices, "categories": CATEGORIES}
    choices |= {"called": partial(name_of, snapshot)}
    choices |= {"may": bool(who.sirets) or who.may("operator"), "alone": len(who.sirets) == 1}
    return render.page(request, "hours.html", done=done, **entered, **choices, **values)
