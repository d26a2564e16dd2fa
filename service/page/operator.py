"""The operator's page: state of the data, coverage, exposure, lots without anyone, claims."""

import itertools
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import func, select

from matcher.domain import BadInput
from matcher.matching import recipes
from matcher.matching.ranking import rotate_near_ties
from matcher.outreach import delivery, review
from matcher.outreach.exposure import Tally
from matcher.reading.procedure import closing, open_at
from matcher.records.tables import Digest, Run
from matcher.reference import places
from matcher.reference.identifiers import is_address
from matcher.reference.naming import source_name
from service import access
from service.page import account, fields, render
from service.page.render import Facts
from service.page.visitor import CheckedForm, Operator, Reader
from service.settings import mail_transport
from service.snapshot import Snapshot, snapshot_of

router = APIRouter()
TOP = 10
TURNS = 5  # days of the draw that the page compares with
EXPOSED, PATIENCE = 300, 4.0  # most lots, and seconds, of the page: `matcher exposure` counts over all


@router.get("/exploitant")
def show(request: Request, who: Reader) -> Response:
    """Dashboard: state, last night, held mails, sources, claims."""
    return _page(request)


def _page(request: Request, **form: Any) -> Response:
    snapshot, store = snapshot_of(request), access.store_of(request)
    operator = access.identify(request).may("operator")
    data = {"state": _state(snapshot), "loaded_at": snapshot.loaded_at}
    data |= {"sources": snapshot.once("sources", lambda: _sources(snapshot))}
    last = select(Run.__table__).order_by(Run.started_at.desc()).limit(1)
    held = Digest.status == "held"
    first = select(Digest.content).where(held).order_by(Digest.created_at, Digest.id).limit(1)
    count = store.ask(select(func.count()).select_from(Digest).where(held)).scalar_one()
    # the mails themselves are for the operator alone
    sample = store.ask(first).scalar() if operator else None
    mails: Facts = {"run": store.ask(last).mappings().first(), "held": {"count": count, "sample": sample}}
    night, states = review.night(store)
    mails |= {"night": night, "states": states, "hold_reason": review.HOLDS.get}
    # each with the structure it asks for, where the catalogue still holds it
    waiting = account.waiting(store) if operator else ()
    claims = [(claim, snapshot.catalogue.known(claim["siret"])) for claim in waiting]
    shown: Facts = {"operator": operator, "claims": claims, **data, **mails}
    return render.page(request, "operator.html", **{"typed": "", **form}, **shown)


@router.get("/exploitant/couverture")
def covered(request: Request, who: Reader) -> Response:
    table: dict[str, Counter[str]] = {}
    structures = snapshot_of(request).catalogue.structures
    columns = (structures.column(name).to_pylist() for name in ("department", "kind"))
    for department, kind in zip(*columns, strict=True):
        if department and kind:
            table.setdefault(department, Counter())[render.family(kind)] += 1
    named = {code: found.name if (found := places.department(code)) else code for code in table}
    rows = ((code, named[code], counts.total(), counts) for code, counts in table.items())
    return render.page(request, "coverage.html", coverage=sorted(rows, key=lambda row: (-row[2], row[0])))


@router.get("/exploitant/exposition")
def exposed(request: Request, who: Reader) -> Response:
    snapshot = snapshot_of(request)
    measured = snapshot.once("exposure", lambda: exposure(snapshot))
    return render.page(request, "exposure.html", exposure=measured)


def _sources(snapshot: Snapshot) -> list[tuple[str, int, date | None]]:
    """Each source of structures by its name: how many, and the day of its newest."""
    catalogue = snapshot.catalogue
    counts: Counter[str] = Counter()
    newest: dict[str, date] = {}
    for row in np.flatnonzero(catalogue.of_structure("kind") != ""):
        structure = catalogue.structure(int(row))
        name = source_name(structure.source) or "inconnue"
        counts[name] += 1
        newest[name] = max(newest.get(name, date.min), structure.updated or date.min)
    days = {name: day if day > date.min else None for name, day in newest.items()}
    return [(name, count, days[name]) for name, count in counts.most_common(8)]


@router.post("/exploitant/demandes")
def refuse_all(request: Request, who: Operator, form: CheckedForm) -> Response:
    """Refuse every claim that waits: where one visitor has sent hundreds."""
    account.refuse_all(access.store_of(request), who.actor)
    return render.go("/exploitant#demandes")


@router.post("/exploitant/demandes/{identifier}")
def decide(
    request: Request,
    identifier: str,
    who: Operator,
    form: CheckedForm,
    verdict: Annotated[str, Form(pattern="^(oui|non)$")] = "non",
    address: fields.Line = "",
    way: Annotated[str, Form(pattern="^(mail|letter|phone)$")] = "mail",
) -> Response:
    """Approve or refuse a claim: a link, by mail where a server is set, or a code to write or say."""
    try:
        address = fields.address(address)
    except BadInput as error:
        return _page(request, problems=fields.problems_of(error, f"to-{identifier}"), typed=address)
    store, settings = access.store_of(request), request.app.state.settings
    asked = next((c for c in account.waiting(store) if c["id"] == identifier), None)
    token = account.decide(store, identifier, verdict == "oui", who.actor, way)
    public = settings.public_url.rstrip("/")
    link = f"{public}/revendication/{token}" if token and way == "mail" else ""
    structure = snapshot_of(request).structure(asked["siret"]) if asked else None
    # to the address known, or given by the operator
    to = address or str(asked["address"] or "") if link and asked and settings.smtp else ""
    to = to if is_address(to) else ""
    if to and asked and structure:
        name, told = render.called(structure), {"siret": asked["siret"], "link": link}
        with store.writing() as connection:
            delivery.queue(store, connection, mail_transport(settings), "account", name, to, link, **told)
        request.app.state.mailer.wake()
    decided: Facts = {"link": link, "code": "" if way == "mail" else token, "way": way, "sent": to}
    decided |= {"claim": asked, "structure": structure, "where": f"{public}/revendication"}
    return render.page(request, "decided.html", **decided)


def _state(snapshot: Snapshot) -> dict[str, Any]:
    catalogue, moment = snapshot.catalogue, datetime.now(UTC)
    kinds = catalogue.of_structure("kind")
    firms = int((kinds == "").sum())
    active = Counter(catalogue.of_structure("active")[np.array(kinds != "")].tolist())
    state = {"structures": len(catalogue) - firms, "firms": firms}
    state |= {"active": active[1], "closed": active[0], "unknown": active[-1]}
    state |= {name: catalogue.manifest.get(name, 0) for name in ("evidence", "awards")}
    still = sum(open_at(closing(t), t.published, moment) for t in snapshot.answerable())
    return state | {"notices": len(snapshot.notices), "open": still}


def exposure(snapshot: Snapshot) -> dict[str, Any]:
    """Over the newest answerable lots, `EXPOSED` or as many as `PATIENCE` allows: who is shown among the first ten.

    Compared with the probability of being a lead; how unevenly, and which lots have nobody; and what the daily draw of
    `rotating` would change in `TURNS` days.
    """
    tally, turning = Tally(snapshot.catalogue, TOP), Tally(snapshot.catalogue, TOP)
    scale, today = recipes.named("rotating").rotation, date.today()
    nobody = []
    end = time.monotonic() + PATIENCE
    newest = ((t, query) for t in snapshot.answerable() for query in snapshot.matcher.queries(t))
    for tender, query in itertools.islice(newest, EXPOSED):
        if tally.lots and time.monotonic() > end:
            break
        ranking = snapshot.matcher.rank(query)
        tally.add(ranking)
        for number in range(0 if snapshot.matcher.recipe.daily else TURNS):
            turning.add(rotate_near_ties(ranking, scale, (today + timedelta(days=number)).isoformat()))
        if snapshot.matcher.nobody(ranking):
            nobody.append((tender, query.lot))
    found = tally.measured()
    never = round(found.structures * found.never_shown)
    top = [(snapshot.structure(siret), count) for siret, _, count in found.most_shown[:8]]
    by_turns = turning.measured().passed_over if turning.lots else None
    shown: Facts = {"lots": tally.lots, "shown": found.structures - never, "never": never, "gini": found.gini}
    shown |= {name: getattr(found, name) for name in ("credible", "passed_over", "distance")}
    shown |= {"passed_over_by_turns": by_turns, "turns": TURNS, "top": top}
    return {**shown, "nobody": nobody, "groups": found.groups}
