"""Contents of a set of files: structures merged by SIRET, awards, notices, and rejected records."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from matcher import codec
from matcher.catalogue.files import add_files, holds
from matcher.console import counted, csv_text
from matcher.domain import KINDS, Award, NotFound, NoValidRecords, Rejected, Structure, Tender
from matcher.reading import contracts, files, merge
from matcher.reading.procedure import by_id, in_force
from matcher.reading.sources import Columns
from matcher.reference.identifiers import BY_NAME, BY_SIREN
from matcher.reference.places import unplaced

T = TypeVar("T")
NOTICES = "notices.jsonl"
CONTRACTS = "contracts.jsonl"
REJECTS = "rejects.csv"  # beside what was built from the good records
REASONS = 10  # why records were set aside, in the summary
NAMED = 5  # records named for one reason
#: Flags of what a list says and nobody understands -> what of a structure is not.
UNREAD = {
    "number-unread": "number cannot be used (known by name and place, or by another number)",
    "zone-unread": "zone says nothing of where",
    "zone-guessed": "zone names an area not known here (the town it begins with, or 30 km around, is taken) or leaves one out (the whole is taken): write departments, towns or km",
    "town-unread": "town is not known, or several are called so: give its postcode",
    "figure-unread": "headcount or turnover is no number: write it in digits",
    "staff-of-esat": "ETP are of the staff of an ESAT, whose size is its places: give them in a column of places",
    "siret-checksum": "SIRET fails its check digits: compare it",
}
SIREN_ALONE = "SIRET is missing beside the SIREN: write the 14 digits of the establishment that serves (shown as SIRET inconnu until then)"
KIND_UNKNOWN = "kind is not known here: say which it is with --map 'kind:WORDS=KIND'"


@dataclass(slots=True)
class Gathered:
    """Records of files, by kind, in file order."""

    structures: list[Structure] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)
    tenders: list[Tender] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    repeated: int = 0  # rows of awards that repeat or modify a contract

    def summary(self) -> Iterator[str]:
        """Lines for display: what was read, what was rejected and why."""
        lots = sum(len(tender.lots) for tender in self.tenders)
        yield (
            f"read {counted(len(self.structures), 'structure')}, {counted(len(self.awards), 'award')}, "
            f"{counted(len(self.tenders), 'notice')} with {counted(lots, 'lot')}; "
            f"{counted(len(self.rejected), 'record')} set aside"
        )
        says: dict[str, bool] = {}  # source -> has any structure of it an offer or a description?
        for one in self.structures:
            says[one.source] = says.get(one.source, False) or bool(one.offers or one.description)
        for source in (source for source, any_does in says.items() if source and not any_does):
            yield (
                f"  no structure of {source} says what it does: if the file does, name its column with --map offer=COLUMN"
                " (`matcher columns` shows how each is taken)"
            )
        if self.repeated:
            yield f"  {counted(self.repeated, 'row')} of awards of a contract that another states: counted once"
        lots_at = [lot.places for tender in self.tenders for lot in tender.lots if lot.places]
        lost = [at[0].label for at in lots_at if unplaced(at) == "unknown"]
        if named := list(dict.fromkeys(filter(None, lost))):
            yield (
                f"  {counted(len(lost), 'lot')} in a place that is not known ({', '.join(named[:3])}): unless the buyer's tells it, "
                "all of France is compared; correct the file, or give `matcher match` the place by --place"
            )
        unknown = (one.kind for one in self.structures if "kind-unknown" in one.flags)
        for words, how_many in Counter(unknown).most_common():
            if words:
                yield (
                    f"  {counted(how_many, 'structure')} of a kind not known here, {words!r}: say which it is with "
                    f"--map 'kind:{words}=ESS' (kinds: {', '.join(filter(None, KINDS))})"
                )
        if by_name := sum(one.siret.startswith(BY_NAME) for one in self.structures):
            yield f"  {counted(by_name, 'structure')} without any number, known by name and place: ask for the SIRET"
        unread: dict[str, list[str]] = {}
        for one in self.structures:
            for what, words in not_understood(one):
                unread.setdefault(what, []).append(words)
        for what, lists in unread.items():
            if what != KIND_UNKNOWN:
                yield f"  {counted(len(lists), 'structure')} whose {what}: {'; '.join(list(dict.fromkeys(lists))[:NAMED])}"
        where: dict[str, list[str]] = {}
        for bad in self.rejected:
            where.setdefault(bad.reason, []).append(f"{Path(bad.path).name} {bad.record}".strip())
        for reason, places in sorted(where.items(), key=lambda item: -len(item[1]))[:REASONS]:
            more = ", …" if len(places) > NAMED else ""
            yield f"  {len(places)} x {reason} ({', '.join(places[:NAMED])}{more})"


def gather(paths: Iterable[Path], columns: Columns = None, source: str | None = None) -> Gathered:
    """Read files, folders and archives of any known format; records of one structure, or of one contract, are merged.

    The awards of award notices count as awards; `source` names the format.  Raises NoValidRecords where no record is good.
    """
    gathered = Gathered()
    announced: list[Award] = []
    for record in files.read(list(paths), source, columns):
        if isinstance(record, Structure):
            gathered.structures.append(record)
        elif isinstance(record, Award):
            gathered.awards.append(record)
        elif isinstance(record, Tender):
            gathered.tenders.append(record)
            announced += record.awards
        else:
            gathered.rejected.append(record)
    rows, gathered.awards = len(gathered.awards), contracts.consolidate(gathered.awards)
    gathered.repeated = rows - len(gathered.awards)
    gathered.awards += announced
    merged, orphans = merge.merge(gathered.structures)
    gathered.structures = list(merged)
    gathered.rejected += orphans
    if not (gathered.structures or gathered.awards or gathered.tenders):
        why = "; ".join(dict.fromkeys(bad.reason for bad in gathered.rejected[:3]))
        raise NoValidRecords(
            f"nothing could be read{': ' + why if why else ''}; try `matcher read` on one file to see why"
        )
    return gathered


def not_understood(one: Structure) -> Iterator[tuple[str, str]]:
    """What of a structure is not understood, and the words or the number of its list."""
    for flag in one.flags:
        name, _, words = flag.partition(": ")
        if name in UNREAD:
            yield UNREAD[name], words or one.siret
        if name == "kind-unknown":
            yield KIND_UNKNOWN, one.kind
    if re.fullmatch(BY_SIREN, one.siret):
        yield SIREN_ALONE, one.siret[:9]


def save_rejects(gathered: Gathered, folder: Path) -> None:
    """Write the records that were set aside, and what was kept but not understood, each with its reason."""
    rows = [{"file": bad.path, "record": bad.record, "reason": bad.reason} for bad in gathered.rejected]
    rows += [
        {"file": one.source, "record": one.siret, "reason": f"kept, but its {what}: {words}"}
        for one in gathered.structures
        for what, words in not_understood(one)
    ]
    (folder / REJECTS).write_text(csv_text(rows) if rows else "", encoding="utf-8-sig")


def save_notices(tenders: Iterable[Tender], folder: Path) -> None:
    """Keep the notices in the folder of a catalogue, one JSON object a line."""
    _save(tenders, folder, NOTICES)


def load_notices(folder: Path) -> list[Tender]:
    """The notices kept with a catalogue, as they stand; none where it was built without.  Raises StaleArtefact on damage."""
    return in_force(stored_notices(folder))


def stored_notices(folder: Path) -> list[Tender]:
    """The notices kept with a catalogue, as published."""
    there = (folder / NOTICES).is_file() and holds(folder, NOTICES)
    return _load(Tender, folder / NOTICES) if there else []


def save_contracts(awards: Iterable[Award], folder: Path) -> None:
    """Keep the awards that say when their contract ends in the folder of a catalogue, one JSON object a line."""
    _save((one for one in awards if one.notified is not None and one.duration_months), folder, CONTRACTS)


def load_contracts(folder: Path) -> list[Award]:
    """The awards kept with a catalogue that say when their contract ends."""
    if not (folder / CONTRACTS).is_file():
        return [award for tender in load_notices(folder) for award in tender.awards]
    return _load(Award, folder / CONTRACTS)


def _save(values: Iterable[Any], folder: Path, name: str) -> None:
    part = folder / f"{name}.part"
    with part.open("w", encoding="utf-8") as sink:
        sink.writelines(json.dumps(codec.to_json(value), ensure_ascii=False) + "\n" for value in values)
    part.replace(folder / name)
    add_files(folder)


def _load(cls: type[T], path: Path) -> list[T]:
    with path.open(encoding="utf-8") as lines:
        return [codec.from_json(cls, json.loads(line)) for line in lines if line.strip()]


def notice(tenders: Iterable[Tender], id: str) -> Tender:
    """The notice of an id, its own or that of its correction or cancellation.  Raises NotFound."""
    if tender := by_id(tenders).get(id):
        return tender
    raise NotFound(
        f"no file and no indexed notice {id}: check the path, or index the notice with `matcher index`"
    )
