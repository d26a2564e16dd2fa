"""What the tools answer: short typed results, each fact with its source and date, made from the answers of `/v1`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from matcher.domain import KINDS, Reason
from matcher.matching.reasons import sentences
from matcher.outreach.sourcing.record import NOTE
from matcher.reference.origins import source_name
from matcher.reference.text import shorten
from matcher.reference.trades import trades
from service.schemas import Located, MemberOut

Json = Mapping[str, Any]
FIRST = 3  # candidates of a lot beside groups


class Result(BaseModel):
    """Fields of every answer: sources, date, versions, and the note on the order."""

    sources: list[str] = Field(
        description="Where the facts come from, each with its date where one is known."
    )
    on: date = Field(default_factory=date.today, description="The day of this answer.")
    versions: dict[str, str] = Field(default_factory=dict)
    note: str = NOTE


class Organisation(Located):
    phone: str = ""
    email: str = ""
    website: str = ""
    source: str = ""
    updated: date | None = Field(None, description="The day of the source.")


class Candidate(BaseModel):
    rank: int
    structure: Organisation
    level: str = Field(description="à appeler, or à vérifier.")
    chance: float | None = Field(None, description="Estimated probability of being a lead, 0 to 1.")
    distance_km: float | None = None
    reasons: list[str]
    missing: list[str] = Field(default_factory=list, description="What is not known of it.")
    warnings: list[str] = Field(default_factory=list)


class Notice(BaseModel):
    id: str
    title: str
    buyer: str = ""
    published: date | None = None
    deadline: str | None = None
    url: str = ""
    lots: list[str] = Field(default_factory=list)


class LotResult(BaseModel):
    lot: str
    title: str
    reserved: str = Field("", description="The articles of the reservation, or whom it names.")
    nobody: bool = Field(description="No structure is a credible lead.")
    calls_for: str = Field(
        "",
        description="unclear: the words say no need; staff, clause or beyond: see the API; empty: a service.",
    )
    likely: int = Field(0, description="To be called, of all that were considered.")
    plausible: int = Field(0, description="To be asked first, of all that were considered.")
    to_widen: list[str] = Field(default_factory=list, description="What would bring more structures.")
    considered: int
    candidates: list[Candidate]
    by_clause: list[Candidate] = Field(
        default_factory=list, description="Who could carry hours of insertion where nobody answers the lot."
    )
    law: list[str] = Field(default_factory=list, description="Information, to be verified: not legal advice.")


class Group(BaseModel):
    members: list[MemberOut]
    covered: list[str]
    uncovered: list[str]
    form: str
    form_reason: str
    warnings: list[str]


class Matched(Result):
    notice: Notice
    others: list[str] = Field(
        default_factory=list,
        description="Other notices of what was given, not answered: give each by itself.",
    )
    place_found: str = ""
    place_choices: list[str] = Field(default_factory=list, description="Ask the user which one is meant.")
    lots: list[LotResult]


class Grouped(Matched):
    """The groups, with the first candidates of each lot."""

    groups: list[Group]


class Why(BaseModel):
    lot: str
    title: str
    state: str
    sentence: str
    rank: int | None = None
    reasons: list[str] = Field(default_factory=list)


class Explained(Result):
    notice: Notice | None = Field(None, description="The indexed notice, where one was named.")
    lots: list[Why]


class Partner(BaseModel):
    structure: Organisation
    adds: list[str]
    tasks: list[str]
    reasons: list[str]
    warnings: list[str]
    distance_km: float | None = None


class Partnered(Result):
    notice: Notice
    alone: list[str] = Field(description="Lots, or needs of a lot, that it covers alone.")
    lacking: list[str]
    nobody: list[str] = Field(description="What it lacks and no partner is known for.")
    barred: dict[str, str] = Field(description="Lots closed to it, and why.")
    partners: list[Partner]
    subcontracting: list[Partner]


class Offer(BaseModel):
    title: str
    text: str = ""
    source: str = ""
    since: date | None = None


class Found(Result):
    total: int
    structures: list[Organisation]


class Described(Result):
    structure: Organisation
    description: str = ""
    active: bool | None = Field(None, description="Open by the register; null where not verified.")
    offers: list[Offer]
    labels: list[str]
    missing: list[str]


class Opportunity(BaseModel):
    notice: Notice
    lot: str
    title: str
    part: str = Field(description="alone, with-partner or watch.")
    why: list[str]
    partner: Organisation | None = None


class Opportunities(Result):
    total: int
    opportunities: list[Opportunity]


class Notices(Result):
    total: int
    notices: list[Notice]
    hint: str = Field("", description="Where nothing is found: what to leave out or to ask instead.")


class NoticeLot(BaseModel):
    lot: str
    title: str
    cpv: list[str]
    places: list[str]
    amount: float | None = Field(None, description="Euros, before tax, as published.")
    reserved: str = Field("", description="The articles of the reservation, or whom it names.")
    clauses: list[str] = Field(description="Social clauses, as read in the notice.")
    inferred: list[str] = Field(description="Fields that the notice does not state: supposed.")


class NoticeRead(Result):
    notice: Notice
    nature: str
    lots: list[NoticeLot]


class Carrier(BaseModel):
    structure: Organisation
    way: str
    distance_km: float | None = None


class Lead(BaseModel):
    notice: str
    lot: str
    title: str
    state: str
    firms: list[str] = Field(description="Who owes the hours, once awarded.")
    hours: float | None
    passage: str = Field(description="The words of the notice.")
    carriers: list[Carrier]
    warnings: list[str]


class Leads(Result):
    notices: list[Notice]
    leads: list[Lead]


class Renewal(BaseModel):
    id: str
    title: str
    buyer: str
    holders: list[str] = Field(description="As published.")
    cpv: str
    place: str
    amount: float | None
    notified: date
    ends: date = Field(description="By the months published: extensions are not known.")
    source: str


class Renewals(Result):
    total: int
    renewals: list[Renewal]


class Counted(BaseModel):
    article: str
    possible: int = Field(description="Structures of a kind that may answer, with the trade.")
    to_check: int


class Advice(BaseModel):
    title: str
    reasons: list[str]
    conditions: list[str]
    rules: list[str] = Field(description="Each with its article: information, not legal advice.")


class Advised(BaseModel):
    title: str
    trades: list[str]
    eligible: list[Counted]
    advice: list[Advice]
    refused: list[str] = Field(description="Advice that does not apply, and why.")
    first: list[Organisation]
    facilitator: str


class Potential(Result):
    lots: list[Advised]
    assumed: list[str] = Field(description="Figures that were supposed: the user may correct them.")


# ------------------------------------------------------------------------------------ from the answers of /v1


def organisation(value: Json) -> Organisation:
    contact = value.get("contact", {})
    return Organisation(
        **{name: value[name] for name in ("siret", "name", "kind", "kind_label", "town", "department", "source", "updated")},
        **{name: contact.get(name, "") for name in ("phone", "email", "website")},
    )  # fmt: skip


def _texts(values: Iterable[Json]) -> list[str]:
    return [_legal(each) for each in values]


def _legal(value: Json) -> str:
    cited = ", ".join(str(part) for part in (value.get("article"), value.get("since")) if part)
    return f"{value['text']} ({cited}, à vérifier)" if cited else str(value["text"])


def candidate(value: Json) -> Candidate:
    return Candidate(
        rank=value["rank"], structure=organisation(value["structure"]), level=value["band"], chance=value["probability"],
        distance_km=value["distance_km"], reasons=[reason["text"] for reason in value["reasons"]],
        missing=value["missing"], warnings=value["warnings"],
    )  # fmt: skip


def notice(value: Json) -> Notice:
    return Notice(
        **{name: value[name] for name in ("id", "title", "buyer", "published", "deadline", "url")},
        lots=[f"{lot['number']}: {lot['title']}" for lot in value["lots"]],
    )


def lot_result(value: Json) -> LotResult:
    return LotResult(
        lot=value["lot"]["number"], title=value["lot"]["title"], reserved=_reserved(value["lot"]["reservation"]),
        nobody=value["nobody"], calls_for=value["calls_for"], to_widen=value["relaxations"], considered=value["considered"],
        likely=value["likely"], plausible=value["plausible"],
        candidates=[candidate(each) for each in value["matches"] if each["level"] != "unlikely"],
        by_clause=[candidate(each) for each in value["by_clause"]], law=_texts(value["law"]),
    )  # fmt: skip


def sources_of(structures: Iterable[Organisation], notices: Iterable[Notice] = ()) -> list[str]:
    """The sources by name and the notices that an answer rests on, each once, with its day."""
    named = [_dated(each.source, each.updated) for each in structures if each.source]
    published = [f"{each.url or each.id} ({each.published})" for each in notices if each.published]
    return list(dict.fromkeys(published + named))


def _dated(source: str, day: date | str | None) -> str:
    return f"{source_name(source)} ({day or 'sans date'})"


def _matched(value: Json) -> dict[str, Any]:
    lots, about = [lot_result(each) for each in value["lots"]], notice(value["notice"])
    shown = [one.structure for lot in lots for one in (*lot.candidates, *lot.by_clause)]
    return {
        "notice": about, "others": value["others"], "lots": lots, "place_found": value["place_found"], "place_choices": value["place_choices"],
        "sources": sources_of(shown, [about]), "versions": value["versions"],
    }  # fmt: skip


def matched(value: Json) -> Matched:
    return Matched(**_matched(value))


def _task(task: str, asked: Json) -> str:
    """A lot of the notice asked about, or one need of a lot ("LOT#TRADE"), in words."""
    named, _, trade = task.partition("#")
    lot = next((each for each in asked["lots"] if each["id"] == named), None)
    told = f"lot {lot['number']} « {shorten(lot['title'], 60)} »" if lot else named
    labels = {each.name: each.label for each in trades()}
    return f"{told}, besoin {labels.get(trade, trade)}" if trade else told


def grouped(value: Json) -> Grouped:
    about = value["notice"]

    def tasks(ids: Iterable[str]) -> list[str]:
        return [_task(each, about) for each in ids]

    groups = [
        Group(
            members=[MemberOut(**{**each, "lots": tasks(each["lots"])}) for each in one["members"]], covered=tasks(one["covered"]),
            uncovered=tasks(one["uncovered"]), form=one["form"], form_reason=one["form_reason"], warnings=_texts(one["warnings"]),
        )
        for one in value["consortia"]
    ]  # fmt: skip
    found = _matched(value)
    # of twenty lots whole lists would fill what an assistant can read: `match` gives them
    lots = [each.model_copy(update={"candidates": each.candidates[:FIRST]}) for each in found["lots"]]
    return Grouped(**{**found, "lots": lots}, groups=groups)


def explained(value: Iterable[Json], of: Json, about: Json | None, versions: dict[str, str]) -> Explained:
    """Of a structure, for an indexed notice or another text."""
    lots = [
        Why(
            lot=one["lot"]["number"], title=one["lot"]["title"], state=one["state"], sentence=one["sentence"], rank=one["rank"],
            reasons=[reason["text"] for reason in one["match"]["reasons"]] if one["match"] else [],
        )
        for one in value
    ]  # fmt: skip
    named = [notice(about)] if about else []
    return Explained(
        lots=lots,
        notice=next(iter(named), None),
        versions=versions,
        sources=sources_of([organisation(of)], named),
    )


def _partner(value: Json, asked: Json) -> Partner:
    return Partner(
        structure=organisation(value["structure"]), adds=value["adds"], tasks=[_task(each, asked) for each in value["tasks"]],
        distance_km=value["distance_km"], reasons=list(sentences((Reason(**each) for each in value["reasons"]), 6)),
        warnings=_texts(value["warnings"]),
    )  # fmt: skip


def partnered(value: Json, of: Json) -> Partnered:
    """Partners of a structure."""
    asked, about = value["notice"], notice(value["notice"])
    partners, beneath = (
        [_partner(each, asked) for each in value[name]] for name in ("partners", "subcontracting")
    )
    alone, lacking = ([_task(each, asked) for each in value[name]] for name in ("alone", "lacking"))
    shown = (organisation(of), *(each.structure for each in (*partners, *beneath)))
    return Partnered(
        notice=about, alone=alone, lacking=lacking, nobody=value["nobody"],
        barred={_task(lot, asked): why for lot, why in value["barred"].items()}, partners=partners, subcontracting=beneath,
        versions=value["versions"], sources=sources_of(shown, [about]),
    )  # fmt: skip


def found(value: Json) -> Found:
    items = [organisation(each) for each in value["items"]]
    return Found(total=value["total"], structures=items, sources=sources_of(items))


def described(value: Json) -> Described:
    about = organisation(value)
    offers = [
        Offer(**{name: each[name] for name in ("title", "text", "source", "since")})
        for each in value["offers"]
    ]
    dated = [_dated(each.source, each.since) for each in offers if each.source]
    return Described(
        structure=about, description=value["description"], active=value["active"], offers=offers, labels=value["labels"],
        missing=value["missing"], sources=list(dict.fromkeys([*sources_of([about]), *dated])),
    )  # fmt: skip


def opportunities(value: Json, of: Json) -> Opportunities:
    """Of a structure."""
    items = [
        Opportunity(
            notice=notice(one["notice"]), lot=one["lot"]["number"], title=one["lot"]["title"], part=one["part"], why=one["why"],
            partner=organisation(one["partner"]) if one["partner"] else None,
        )
        for one in value["items"]
    ]  # fmt: skip
    return Opportunities(
        total=value["total"], opportunities=items, versions=value["versions"],
        sources=sources_of(
            [organisation(of), *(one.partner for one in items if one.partner)], [one.notice for one in items]
        ),
    )  # fmt: skip


def notices(value: Json, without: Mapping[str, int]) -> Notices:
    """A page of notices; `without` counts those found when one filter is left out."""
    items = [notice(each) for each in value["items"]]
    more = [f"{count} without {name}" for name, count in without.items() if count]
    nothing = "no notice has these words or filters: try fewer words, a shorter code, or none at all"
    hint = "" if items else f"none with all filters; {', '.join(more)}" if more else nothing
    return Notices(total=value["total"], notices=items, hint=hint, sources=sources_of((), items))


def notice_read(value: Json) -> NoticeRead:
    lots = [
        NoticeLot(
            lot=lot["number"],
            title=lot["title"],
            reserved=_reserved(lot["reservation"]),
            **{name: lot[name] for name in ("cpv", "places", "amount", "clauses", "inferred")},
        )
        for lot in value["lots"]
    ]
    about = notice(value)
    return NoticeRead(notice=about, nature=value["nature"], lots=lots, sources=sources_of((), [about]))


def _reserved(held: Json | None) -> str:
    return ", ".join(held["articles"] or held["who"]) if held else ""


def _firm(value: Json) -> str:
    return f"{value['name']} ({value['siret']})" if value["siret"] else str(value["name"])


def leads(value: Json) -> Leads:
    items = [
        Lead(
            notice=one["notice"], lot=one["lot"]["number"], title=one["lot"]["title"], state=one["state"],
            firms=[_firm(each) for each in one["firms"]], hours=one["hours"], passage=one["passage"],
            carriers=[
                Carrier(structure=organisation(each["structure"]), way=each["way"], distance_km=each["distance_km"])
                for each in one["carriers"]
            ],
            warnings=_texts(one["warnings"]),
        )
        for one in value["leads"]
    ]  # fmt: skip
    carriers = [each.structure for one in items for each in one.carriers]
    asked = [notice(each) for each in value["notices"]]
    return Leads(notices=asked, leads=items, versions=value["versions"], sources=sources_of(carriers, asked))


def renewals(value: Json) -> Renewals:
    plain = [name for name in Renewal.model_fields if name != "holders"]
    items = [
        Renewal(**{name: one[name] for name in plain}, holders=[_firm(each) for each in one["holders"]])
        for one in value["items"]
    ]  # fmt: skip
    sources = dict.fromkeys(f"{one.source} ({one.notified})" for one in items)
    return Renewals(
        total=value["total"], renewals=items, sources=list(sources), note=f"{value['note']} {NOTE}"
    )


def _owner(value: Json) -> Organisation:
    """A structure as the desk sends it: the domain's own JSON rather than the model of `/v1`."""
    return Organisation(
        siret=value["siret"], name=value["brand"] or value["name"], kind=value["kind"], kind_label=str(KINDS.get(value["kind"], value["kind"])),
        town=value["place"]["label"], department=value["place"]["department"], phone=value["phone"], email=value["email"],
        website=value["website"], source=value["source"], updated=value["updated"],
    )  # fmt: skip


def _advice(value: Json) -> Advice:
    return Advice(
        title=value["title"], reasons=value["reasons"], conditions=value.get("conditions", []),
        rules=[_legal(rule) for rule in value["rules"]],
    )  # fmt: skip


def _considered(value: Json) -> tuple[list[Json], list[Json]]:
    """The advice given, and what does not apply; OETH is either."""
    every = [each for each in (value["first"], *value["also"], value["oeth"], *value["refused"]) if each]
    return [each for each in every if "reasons" in each], [each for each in every if "reason" in each]


def potential(value: Json) -> Potential:
    made = value["result"]
    lots = [
        Advised(
            title=one["lot"]["title"], trades=one["trades"], facilitator=one["facilitator"],
            eligible=[
                Counted(article=article, possible=count["possible"], to_check=count["to_check"])
                for article, count in one["eligible"].items()
            ],
            advice=[_advice(each) for each in _considered(one["advised"])[0]],
            refused=[f"{each['title']} : {each['reason']}" for each in _considered(one["advised"])[1]],
            first=[_owner(each["structure"]) for each in one["first"]],
        )
        for one in made["lots"]
    ]  # fmt: skip
    return Potential(lots=lots, assumed=made["assumed"], versions=made["versions"], sources=value["sources"])
