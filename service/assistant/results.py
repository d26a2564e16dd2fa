"""What a tool answers: that of `/v1` without what is empty, with sources, day and versions."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from matcher.domain import BadInput
from matcher.matching.reasons import NOBODY
from matcher.outreach.sourcing.record import NOTE
from matcher.reference import toponyms
from matcher.reference.naming import source_name
from matcher.reference.text import shorten
from matcher.reference.trades import trades

MOST = 8_000  # bytes of an answer, which an assistant reads whole
SHORT = 40  # characters of a text that is cut no more
CUT = "Coupé à ce qui se lit d'un coup ; laissés de côté, en entier : {}."
#: How what was left out is asked for, by the argument of the tool.
FURTHER = {
    "lot": "Un lot à la fois se demande par lot, son numéro.",
    "offset": "La suite se demande par offset, le nombre de ceux déjà lus.",
    "n": "Demandez-en moins (n).",
}
#: Lists of records that are left out whole before anything of another, and those of texts that stand beside the facts.
BESIDE = frozenset("assumed notes rules".split())
WHOLE = BESIDE | frozenset(
    "by_clause carriers consortia firms first items leads lots matches offers partners refused targets".split()
)
#: Lists of which a part would tell something untrue: who is in a team, where a structure goes, what is asked for.
NEVER = frozenset("covered departments kinds members regions trades zones".split())
LONG = 400  # characters of a text that is cut before a list within a record
#: What a notice is that one does not answer as it stands: by its nature, without and with the notices that it names.
STANDING = {
    "cancellation": ("{0} est annulé : on n'y répond plus.", "{0} annule {1} : on n'y répond plus."),
    "correction": ("", "{0} rectifie {1} : c'est celui-là qui se lit et se répond, tel que rectifié."),
}
NO_HOURS = "Aucune heure d'insertion due n'est lue dans cet avis : un critère social n'en est pas une."
NOTHING = (
    "Rien de ce qui est indexé n'a tout cela : demander avec moins de mots ou de filtres, ou de plus larges (deux chiffres d'un code, "
    "un département par son numéro). Qui fait un métier se demande à find_structures_for_need."
)
READ_OUT = "Tout a été lu : il y en a {} en tout."
NO_STRUCTURE = (
    "Aucune structure n'a tous ces mots dans son nom ou sa commune, ni ce SIRET : demander avec moins de mots, ou écrits autrement. Qui fait un "
    "métier se demande à find_structures_for_need."
)
NO_CONTRACT = (
    "Aucun marché connu ne finit ainsi dans 3 à 18 mois : demander sans siret, sans buyer ou pour un autre département ; "
    "l'exploitant ajoute des marchés avec matcher index STRUCTURES MARCHÉS."
)
NO_OPPORTUNITY = (
    "Aucun avis ouvert n'est pour elle à ce jour, `nothing` dit pourquoi ; les marchés de son métier qui finissent se demandent à "
    "find_ending_contracts."
)
NO_NOTICES = (
    "Ce catalogue ne contient aucun avis : d'autres mots ou filtres n'y changeront rien ; l'exploitant en ajoute avec "
    "matcher index STRUCTURES AVIS. Un besoin décrit ou un avis collé se demande à find_structures_for_need."
)
NOBODY_KNOWN = (
    "Personne dans cet annuaire n'est connu pour le faire à portée : un radius_km plus grand, d'autres kinds ou la ville plus grande la plus "
    "proche peuvent donner quelqu'un ; sinon, aucune structure indexée ne le fait."
)
FIRST = 3  # candidates of a lot beside groups
#: Fields that programs read, and those that stand beside the answer.
LEFT_OUT = frozenset(
    "confidence convention facts flags gap latitude level limit longitude note offset optimal origin "
    "predecessors provenance score sources tender versions".split()
)
#: Fields that list lots, or needs of a lot, by their ids.
TASKS = frozenset({"alone", "barred", "covered", "lacking", "lots", "perhaps", "tasks", "uncovered"})


class Result(BaseModel):
    """Fields of every answer: what the API answers, sources, date, versions, and the note on the order."""

    answer: dict[str, Any] = Field(
        description="As the API answers; what is unknown or empty is left out. `band`: à appeler, or à vérifier."
    )
    sources: list[str] = Field(
        description="Where the facts come from, each with its date where one is known."
    )
    on: date = Field(default_factory=date.today, description="The day of this answer.")
    versions: dict[str, str] = Field(default_factory=dict)
    note: str = NOTE


def of(
    value: Mapping[str, Any],
    *about: Any,
    versions: dict[str, str] | None = None,
    nothing: str = NOTHING,
    place: str = "",
) -> Result:
    """The result of a tool from an answer of `/v1`, with the sources of what was asked `about` too.

    `nothing` is what to do where nothing is listed.  A `place` that is misspelt was taken for another, which is told.
    """
    told = value.get("result", value)
    note = value.get("note", NOTE)
    hint = " ".join(filter(None, (*_read_as(place), *_hints(told, nothing, place))))
    more = {"hint": hint} if hint else {}
    return Result(
        answer=pruned(told, labels_of(told.get("notice"))) | more,
        sources=list(dict.fromkeys(value.get("sources") or sources_of([value, *about]))),
        versions=versions or told.get("versions", {}),
        note=note if NOTE in note else f"{note} {NOTE}",
    )


def _read_as(place: str) -> Iterator[str]:
    """Which place was understood, where none is called as it was written."""
    if place and not toponyms.spelt(place):
        try:
            meant = ", ".join(f"{one.label} ({one.department})" for one in toponyms.asked(place))
        except BadInput:  # one of a name, which the need tells
            return
        yield f"Aucun lieu ne s'appelle « {place} » : {meant} a été compris. Dites-le à qui demande."


def _hints(answer: Mapping[str, Any], nothing: str, place: str) -> Iterator[str]:
    """What to do where nothing is listed, or where a lot has nobody, and why."""
    if not all(answer.get(name, True) for name in ("items", "leads")):
        yield nothing
    for notice in (each for each in (answer.get("notice"), *answer.get("notices", ())) if each):
        related, standing = ", ".join(notice.get("related", ())), STANDING.get(notice.get("nature"), ("", ""))
        yield standing[bool(related)].format(notice["id"], related)
        if place and notice.get("format") != "need":
            yield f"Cet avis dit son lieu lui-même : « {place} » ne compte que s'il n'en dit pas."
    if answer.get("alone") and not any(answer.get(name) for name in ("lacking", "perhaps", "partners")):
        yield "Rien ne lui manque pour ce qui est sous `alone` : elle y répond sans partenaire."
    lots = [lot for lot in answer.get("lots", ()) if isinstance(lot, Mapping)]
    none = (lot.get("calls_for", "") for lot in lots if lot.get("nobody"))
    yield from dict.fromkeys(NOBODY.get(calls_for) or NOBODY_KNOWN for calls_for in none)
    count = sum(lot.get("likely", 0) + lot.get("plausible", 0) for lot in lots)
    if count and not any(lot.get("matches", True) for lot in lots):
        yield READ_OUT.format(count)


def text_of(result: Result, arguments: Collection[str] = ()) -> str:
    """The result as JSON of at most `MOST` bytes: records are left out whole, the last of the longest list first, then texts
    are cut, and only of a single record its lists; `cut` says how many of what, and by which of the tool's `arguments` to read on.
    """
    kept = result.model_dump(mode="json")
    left_out = Counter[str]()
    while len((text := json.dumps(kept, ensure_ascii=False)).encode()) > MOST:
        parts = list(_parts({"answer": kept["answer"], "sources": kept["sources"]}))
        lists = [
            part for part in parts if isinstance(part[2], list) and len(part[2]) > 1 and part[1] not in NEVER
        ]
        texts = (part for part in parts if isinstance(part[2], str))
        holder, key, words = max(texts, key=lambda part: len(part[2]))
        records = [p for p in lists if p[1] in WHOLE and (isinstance(p[2][0], Mapping) or p[1] in BESIDE)]
        if records or (lists and len(words) <= LONG):
            _, name, long = max(records or lists, key=lambda part: len(part[2]))
            del long[-1:]
            left_out[str(name)] += 1
        elif len(words) < SHORT:
            break
        else:
            holder[key] = shorten(words, len(words) // 2)
        names = ", ".join(f"{count} {name}" for name, count in left_out.most_common())
        how = (words for name, words in FURTHER.items() if name in arguments)
        kept["cut"] = " ".join((CUT.format(names or "la fin de textes longs"), *how))
    return text


def _parts(value: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Every list and text inside, with what holds it and under which key."""
    for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
        if isinstance(part, str | list):
            yield value, key, part
        if isinstance(part, Mapping | list):
            yield from _parts(part)


def grouped(value: Mapping[str, Any], place: str = "") -> Result:
    """Groups: of twenty lots whole lists would fill what an assistant can read, and `match` gives them."""
    return of(
        {**value, "lots": [{**lot, "matches": lot["matches"][:FIRST]} for lot in value["lots"]]}, place=place
    )


def pruned(value: Any, labels: Mapping[str, str]) -> Any:
    """The value without empty fields; a reason is its sentence, a lot named by its id its label."""
    if isinstance(value, list):
        return [pruned(each, labels) for each in value]
    if isinstance(value, float):
        return round(value, 3)
    if not isinstance(value, Mapping):
        return value
    notice, structure = value.get("notice"), value.get("structure")
    if isinstance(notice, Mapping) and not {"lot", "lots"}.isdisjoint(value):  # a lot is told once
        value = {**value, "notice": {**notice, "lots": ()}}
    if (
        isinstance(structure, Mapping) and "rank" in value
    ):  # the offer that fits, and the lot, are told already
        value = {**value, "lot": None, "structure": {**structure, "offers": ()}}
    if {"contribution", "text"} <= value.keys():
        return value["text"]
    kept = {}
    for name, inside in value.items():
        if name not in LEFT_OUT and inside not in (None, "", [], {}):
            if name in TASKS and isinstance(inside, Mapping):
                inside = {label(task, labels): why for task, why in inside.items()}
            elif name in TASKS and isinstance(inside, list):
                inside = [label(task, labels) if isinstance(task, str) else task for task in inside]
            kept[name] = pruned(inside, labels)
    return kept


def labels_of(notice: Mapping[str, Any] | None) -> dict[str, str]:
    """The lots of a notice in words, by their ids."""
    lots = notice["lots"] if isinstance(notice, Mapping) else ()
    return {lot["id"]: f"lot {lot['number']} « {shorten(lot['title'], 60)} »" for lot in lots}


def label(task: str, labels: Mapping[str, str]) -> str:
    """A lot, or one need of a lot ("LOT#TRADE"), in words."""
    lot, _, trade = task.partition("#")
    need = next((each.label for each in trades() if each.name == trade), trade)
    return f"{labels.get(lot, lot)}, besoin {need}" if trade else labels.get(lot, lot)


def sources_of(value: Any) -> Iterator[str]:
    """The published notices and the sources by name that an answer rests on, each with its day."""
    if isinstance(value, Mapping):
        if value.get("published") and "lots" in value:
            yield f"{value.get('url') or value['id']} ({value['published']})"
        if isinstance(value.get("source"), str) and value["source"]:
            days = (value.get(name) for name in ("updated", "since", "notified"))
            yield f"{source_name(value['source'])} ({next(filter(None, days), 'sans date')})"
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from sources_of(each)
