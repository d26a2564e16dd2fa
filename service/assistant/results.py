"""What a tool answers: that of `/v1` without what is empty, with sources, day and versions."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
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
CUT = (
    "Listes coupées à ce qui se lit d'un coup (laissés de côté : {}) : la suite se demande par offset, le nombre de ceux déjà lus, "
    "ou une seule structure ou un seul avis."
)
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
    hint = " ".join((*_read_as(place), *_hints(told, nothing)))
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


def _hints(answer: Mapping[str, Any], nothing: str) -> Iterator[str]:
    """What to do where nothing is listed, or where a lot has nobody, and why."""
    if not answer.get("items", True):
        yield nothing
    lots = (lot for lot in answer.get("lots", ()) if isinstance(lot, Mapping) and lot.get("nobody"))
    yield from dict.fromkeys(NOBODY.get(lot.get("calls_for", "")) or NOBODY_KNOWN for lot in lots)


def text_of(result: Result) -> str:
    """The result as JSON of at most `MOST` bytes: lists are cut, then texts, and `cut` says how many of what."""
    kept = result.model_dump(mode="json")
    left_out = Counter[str]()
    while len((text := json.dumps(kept, ensure_ascii=False)).encode()) > MOST:
        parts = list(_parts({"answer": kept["answer"], "sources": kept["sources"]}))
        _, name, long = max((part for part in parts if isinstance(part[2], list)), key=lambda p: len(p[2]))
        if len(long) > 1:
            gone = max(1, len(long) // 4)
            del long[-gone:]
            left_out[str(name)] += gone
        else:
            holder, key, words = max(
                (part for part in parts if isinstance(part[2], str)), key=lambda p: len(p[2])
            )
            if len(words) < SHORT:
                break
            holder[key] = shorten(words, len(words) // 2)
        lists = ", ".join(f"{count} {name}" for name, count in left_out.most_common())
        kept["cut"] = CUT.format(lists or "la fin de textes longs")
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
    if not isinstance(value, Mapping):
        return value
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
