"""What a tool answers: that of `/v1` made brief, with sources and day, in whole items that fit `MOST` bytes."""

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from matcher.domain import BadInput
from matcher.matching.reasons import NOBODY
from matcher.outreach.sourcing.record import NOTE
from matcher.reference import toponyms
from matcher.reference.naming import source_name
from matcher.reference.text import shorten
from matcher.reference.trades import trades

MOST = 8_000  # bytes of an answer, which an assistant reads whole
SHORT = 40  # characters of a text that is cut no more
#: What is told besides the answers of the API, by name.
TEXTS: Mapping[str, str] = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
#: Lists of which whole items are left out where an answer is too long; first those that stand aside.
ASIDE = frozenset("asking assumed by_clause others".split())
ITEMS = ASIDE | frozenset(
    "consortia firms first items leads lots matches offers partners subcontracting".split()
)
#: Records, by fields that tell them -> what an answer says of each; the whole is that of get_structure and get_notice.
BRIEF = [
    tuple(frozenset(fields.split()) for fields in line.split(":"))
    for line in """
        role lots: siret name kind town contact source updated role lots reason
        siret updated: siret name kind town place contact phone email active source updated
        adds tasks: structure kind tasks reasons warnings distance_km
        rank probability: rank structure band probability distance_km reach eligible offer reasons missing warnings
        number title places: number title amount deadline reservation clauses
        buyer format lots: id title buyer published deadline nature standing corrections repeats url
        nature inferred since: title
        article until: article verified
        code rules title: title article reasons reason conditions rules
        code title reason: title reason
        likely kinds_verified: likely plausible to_ask kinds
        worked targets: worked targets carriers
        share fte: share hours
        siret way: siret name kind town kilometres way
        where kilometres: where kilometres
        label commune: label department
        phone email: phone email""".strip().splitlines()
]
EMPTY: tuple[Any, ...] = (None, "", [], {})
PLACES = 3  # of a notice in a list
#: Fields that programs read, and those that stand beside the answer.
LEFT_OUT = frozenset(
    "asked confidence convention facts flags gap latitude level limit longitude note offset optimal "
    "order origin predecessors provenance read_as score source_name sources tender versions".split()
)
#: Fields that list lots, or needs of a lot, by their ids.
TASKS = frozenset({"alone", "ask", "barred", "covered", "lacking", "lots", "perhaps", "tasks", "uncovered"})


#: What of an answer is told: `answer`, `sources`, the day, the note on the order.
Result = dict[str, Any]


def of(
    value: Any, *about: Any, hint: str = "", asked: Mapping[str, Any] | None = None, whole: bool = False
) -> Result:
    """The result of a tool from an answer of `/v1`, with the sources of what was asked `about`.

    A place `asked` that is misspelt, or a word, was taken for another, which is told; so is a notice that is part of another.
    A `whole` record has all its fields.
    """
    told = value.get("result", value)
    place, notice_id = ((asked or {}).get(name) or "" for name in ("place", "notice_id"))
    note, notice = value.get("note", NOTE), told.get("notice") or {}
    standing = notice.get("standing", "")
    if notice_id and notice["id"] != notice_id:
        standing = f"{notice_id} fait partie de l'avis {notice['id']}, dont voici la réponse. {standing}"
    read_as = TEXTS["read_as"].format(told["read_as"]) if told.get("read_as") else ""
    nobody = _nobody(told, [name for name in ("radius_km", "kinds") if (asked or {}).get(name)])
    hints = " ".join(filter(None, (standing, *_read_as(place), read_as, hint, *nobody)))
    return {
        "answer": ({"hint": hints} if hints else {}) | pruned(told, labels_of(notice), whole),
        "sources": list(value.get("sources") or sources_of([*about])),
        "on": date.today().isoformat(),
        "note": note if NOTE in note else f"{note} {NOTE}",
    }


def _read_as(place: str) -> Iterator[str]:
    """Which place was understood, where none is called as it was written."""
    if place and not toponyms.spelt(place):
        try:
            meant = ", ".join(f"{one.label} ({one.department})" for one in toponyms.asked(place))
        except BadInput:  # one of a name, which the need tells
            return
        yield f"« {place} » : {meant} a été compris. Dites-le à qui demande."


def which(answer: Mapping[str, Any]) -> str:
    """Which places the name in a need may be; "" where it is none or one."""
    choices = answer.get("place_choices")
    return TEXTS["which"].format(", ".join(choices)) if choices else ""


def _nobody(answer: Mapping[str, Any], narrowed: Sequence[str]) -> Iterator[str]:
    """Why a lot has nobody, and what to do: of the filters that `narrowed` it, to ask without them."""
    lots = (lot for lot in answer.get("lots", ()) if isinstance(lot, Mapping) and lot.get("nobody"))
    for called in dict.fromkeys(lot.get("calls_for", "") for lot in lots):
        yield NOBODY[called]
        if not called:
            without = f"sans {' ni '.join(narrowed)} ou " if narrowed else ""
            yield TEXTS["widen"].format(without)


def text_of(result: Result, arguments: Collection[str] = (), offset: int = 0) -> str:
    """The result as JSON of at most `MOST` bytes, from the item `offset` on.

    Whole items are left out, of the innermost lists first; `cut` says of which list how many, and by which of the tool's
    `arguments` they are had.  A single item that is too long has its longest texts shortened.
    """
    kept, answer, cut = dict(result), result["answer"], dict[str, tuple[int, int]]()
    if offset:
        _leave_out(answer, offset)
    while True:
        kept["sources"] = list(dict.fromkeys((*result["sources"], *sources_of([answer]))))
        kept["cut"] = _remainder(answer, cut, arguments, offset)
        text = json.dumps({name: part for name, part in kept.items() if part != ""}, ensure_ascii=False)
        if len(text.encode()) <= MOST:
            return text
        if lists := [each for each in _lists(answer) if len(each[2]) > 1]:
            _, name, items = max(lists, key=lambda each: (each[0], len(str(each[2]))))
            items.pop()
            cut[name] = cut.get(name, (0, 0))[0] + 1, len(items)
        else:
            holder, key, words = max(_texts(answer), key=lambda part: len(part[2]))
            if len(words) < SHORT:
                return text
            holder[key] = shorten(words, len(words) // 2)


def _leave_out(answer: dict[str, Any], offset: int) -> None:
    """Leave out the items already read: `items` come so from the API; of lots where nothing else is listed."""
    lists = {name: items for _, name, items in _lists(answer) if name.split()[0] not in ASIDE}
    for name, items in lists.items():
        if name != "items" and (name != "lots" or len(lists) == 1):
            del items[:offset]
    if not any(items for name, items in lists.items() if name != "lots" or len(lists) == 1):
        answer["hint"] = f"{answer.get('hint', '')} {TEXTS['all_read']}".strip()


def _remainder(
    answer: Mapping[str, Any], cut: Mapping[str, tuple[int, int]], arguments: Collection[str], offset: int
) -> str:
    """What is left out, and how it is asked for."""
    rest = dict(cut)
    if items := answer.get("items"):
        rest = {"items": (answer["total"] - offset - len(items), len(items))}
    rest = {name: counts for name, counts in rest.items() if counts[0] > 0}
    ways = [", ".join(f"{name} ({count})" for name, (count, _) in rest.items())] if rest else []
    if one_lot := "lot" in arguments and any("lot" in name for name in rest):
        ways.append("un lot entier par lot=NUMÉRO")
    following = {*rest} - ({"lots"} if one_lot else set())
    shown = [rest[name][1] for name in following if name.split()[0] not in ASIDE]
    if shown and "offset" in arguments:
        ways.append(f"la suite par offset={offset + min(shown)}")
    if "n" in arguments and any(name.split()[0] in ASIDE for name in rest):
        ways.append("n=1 laisse la place aux autres listes")
    return f"Laissés de côté, entiers : {' ; '.join(ways)}." if ways else ""


def _lists(value: Mapping[str, Any], depth: int = 0, lot: str = "") -> Iterator[tuple[int, str, list[Any]]]:
    """Every list of whole items: how deep it is, its name, and the list."""
    for name, part in value.items():
        if name in ITEMS and isinstance(part, list):
            yield depth + 2 * (name in ASIDE), name + lot, part
            for each in part if name == "lots" else ():
                yield from _lists(each, depth + 1, f" du lot {each.get('lot', each)['number']}")
        elif name == "notice" and isinstance(part, Mapping):
            yield from _lists(part)


def _texts(value: Any) -> Iterator[tuple[Any, Any, str]]:
    """Every text inside, with what holds it and under which key."""
    for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
        if isinstance(part, str):
            yield value, key, part
        elif isinstance(part, Mapping | list):
            yield from _texts(part)


def pruned(value: Any, labels: Mapping[str, str], whole: bool = False) -> Any:
    """The value without empty fields, of known records what `BRIEF` tells unless it is `whole`.

    A reason and a warning are their words, a lot named by its id its label; numbers have two decimals.
    """
    if isinstance(value, list):
        items = [pruned(each, labels, whole) for each in filter(_told, value)]
        return [item for i, item in enumerate(items) if item not in EMPTY and item not in items[:i]]
    if isinstance(value, float):
        return round(value, 2) if value % 1 else int(value)
    if not isinstance(value, Mapping):
        return value
    if not whole:
        value = _brief(value)
    if "text" in value and value.keys() & {"contribution", "article"}:
        return " ".join(filter(None, (value["text"], value.get("article"))))
    kept = {}
    for name, inside in value.items():
        if name not in LEFT_OUT and inside not in (*EMPTY, [[]]) and (name, inside) != ("active", True):
            if name in TASKS and isinstance(inside, Mapping):
                inside = {label(task, labels): why for task, why in inside.items()}
            elif name in TASKS and isinstance(inside, list):
                inside = [label(task, labels) if isinstance(task, str) else task for task in inside]
            elif name == "task":
                inside = label(inside, labels)
            kept[name] = pruned(inside, labels, whole)
    return kept


def _told(one: Any) -> bool:
    """Is it no reason, one that tells something, or that what is asked is not known to be its trade?"""
    return not isinstance(one, Mapping) or one.get("tells") is not False or one.get("code") == "likely_trade"


def _brief(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a list tells of a record; of a notice how many lots it has, which are reserved, and where they are."""
    told = next((told for marks, told in BRIEF if marks <= value.keys()), value.keys())
    brief = {name: inside for name, inside in value.items() if name in told}
    if "format" in value:
        lots = value["lots"]
        where = dict.fromkeys(place for lot in lots for place in lot["places"])
        reserved = [lot["number"] for lot in lots if lot["reservation"]]
        brief |= {"lots": len(lots), "reserved": reserved, "places": list(where)[:PLACES]}
    return brief


def labels_of(notice: Mapping[str, Any] | None) -> dict[str, str]:
    """The lots of a notice in words, by their ids."""
    lots = notice.get("lots", ()) if notice else ()
    return {lot["id"]: f"lot {lot['number']} « {shorten(lot['title'], 60)} »" for lot in lots}


def label(task: str, labels: Mapping[str, str]) -> str:
    """A lot, or one need of a lot ("LOT#TRADE"), in words."""
    lot, _, trade = task.partition("#")
    need = next((each.label for each in trades() if each.name == trade), trade)
    return f"{labels.get(lot, lot)}, besoin {need}" if trade else labels.get(lot, lot)


def sources_of(value: Any) -> Iterator[str]:
    """The published notices and the sources by name that an answer rests on, each with its day."""
    if isinstance(value, Mapping):
        if value.get("published") and "title" in value:
            yield f"avis {value['id']} ({value['published']})"
        if isinstance(value.get("source"), str) and value["source"]:
            days = (value.get(name) for name in ("updated", "since", "notified"))
            yield f"{source_name(value['source'])} ({next(filter(None, days), 'sans date')})"
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from sources_of(each)
