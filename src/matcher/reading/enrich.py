"""Enrich a directory of structures from public sources and the structures' own websites.

Each step fetches from one publisher what concerns the directory; then the records of its structures are merged with the
directory's own, and those of other structures are left out.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matcher.domain import BadInput, MatcherError, Structure
from matcher.reading import files, merge
from matcher.reading.sync import adaptees, associations, emplois, entreprises, finess, inclusion, siae, site
from matcher.reading.sync._client import Report

Say = Callable[[str], None]


@dataclass
class Enriched:
    """The enriched structures, the report of each step, and the messages of failed steps."""

    structures: tuple[Structure, ...]
    reports: list[Report] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def _numbers(folder: Path, structures: Sequence[Structure]) -> dict[str, str]:
    """RNA number -> SIREN, from the directory and the register."""
    sirens = {s.siren for s in structures}
    listed = [*structures, *(r for r in _records(folder / "entreprises") if r.siren in sirens)]
    return {s.rna: s.siren for s in listed if s.rna}


#: The steps in dependency order: declared objects are requested by numbers from the register.
Step = Callable[[Path, Sequence[Structure], Collection[str], Say], Report]
STEPS: Mapping[str, Step] = {
    "entreprises": lambda to, s, out, say: entreprises.entreprises(
        to / "entreprises", [one.siren for one in s]
    ),
    "associations": lambda to, s, out, say: associations.associations(to / "associations", _numbers(to, s)),
    "emplois": lambda to, s, out, say: emplois.emplois(
        to / "emplois", sorted({one.place.department for one in s if one.place.department})
    ),
    "siae": lambda to, s, out, say: siae.siae(to / "siae"),
    "inclusion": lambda to, s, out, say: inclusion.inclusion(to / "inclusion"),
    "finess": lambda to, s, out, say: finess.finess(to / "finess"),
    "adaptees": lambda to, s, out, say: adaptees.adaptees(to / "adaptees"),
    "site": lambda to, s, out, say: site.site(to / "site", s, out, say=say),
}


def enrich(
    structures: Sequence[Structure],
    folder: Path,
    only: Collection[str] = (),
    fetch: bool = True,
    opted_out: Collection[str] = (),
    say: Say = lambda sentence: None,
) -> Enriched:
    """Enrich the directory by the steps of `only` (all if empty), fetching first if `fetch`.

    A failing publisher is reported, and its previous copy is used.  Raises BadInput for an unknown step.
    """
    unknown = sorted(set(only) - set(STEPS))
    if unknown:
        raise BadInput(f"unknown source {unknown[0]!r}: choose among {', '.join(STEPS)}")
    enriched = Enriched(tuple(structures))
    chosen = [name for name in STEPS if not only or name in only]
    current = list(structures)
    for number, name in enumerate(chosen, 1):
        if fetch:
            say(f"{number} of {len(chosen)}: {name}")
            try:
                enriched.reports.append(STEPS[name](folder, current, opted_out, say))
            except MatcherError as error:
                enriched.failed[name] = str(error)
        current = list(_with(structures, folder, chosen[:number]))
    enriched.structures = tuple(current)
    return enriched


def _with(structures: Sequence[Structure], folder: Path, names: Iterable[str]) -> Iterable[Structure]:
    sirens = {s.siren for s in structures}
    more = [record for name in names for record in _records(folder / name) if record.siren in sirens]
    sirets = {s.siret for s in structures} | {p for s in structures for p in s.predecessors}
    # another establishment of a SIREN is no structure of the directory; its offers may be of one that moved
    kept = [r for r in more if r.siret in sirets or not r.name or "unit-ceased" in r.flags]
    merged, _ = merge.merge([*structures, *kept])
    return [s for s in merged if s.siret in sirets or sirets & set(s.predecessors)]


def _records(folder: Path) -> Iterable[Structure]:
    pages = folder / "pages" if (folder / "pages").is_dir() else folder
    if not pages.is_dir():
        return []
    return [record for record in files.read([pages]) if isinstance(record, Structure)]
