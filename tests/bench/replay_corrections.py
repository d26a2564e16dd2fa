"""Corrections and cancellations at volume, in the form in which the BOAMP publishes them: who is told what, exactly once.

    python tests/bench/replay_corrections.py --notices 500

Calls of the sample, each repeated with numbers, titles and references of its own, are written as pages of the API and read as such. The
first night announces them; the second brings what followed each (`FOLLOWED`); a third the second corrections; a fourth everything
again; a fifth run is of the same day as the fourth.  Prints one JSON line; the exit status is 1 where an addressee was told twice, told
of a change that is none, or not told of one that is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from sqlalchemy import select

import night as n
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Tender
from matcher.outreach import batch
from matcher.outreach.rules import Rules
from matcher.reading import files, gather
from matcher.records.store import Store
from matcher.records.tables import Digest

Json = dict[str, Any]
SAMPLE = ROOT / "data" / "sample"
FORMS = ("FNSimple", "MAPA")
#: What follows a notice -> what its addressees are told of it on the second night and on the third.
FOLLOWED: dict[str, tuple[str, str]] = {
    "deadline": ("correction", ""), "text": ("correction", ""), "nothing new": ("", ""), "cancelled": ("cancellation", ""),
    "twice": ("correction", "correction"), "of a correction": ("correction", "correction"), "corrected, then cancelled": ("correction", "cancellation"),
    "both at once": ("cancellation", ""), "repeated": ("", ""),
}  # fmt: skip
DEADLINE, MOVED, AGAIN = "2027-03-01T12:00:00", "2027-03-15T12:00:00", "2027-03-22T12:00:00"
Told = Counter[tuple[str, str, str, str]]  # (addressee, notice, lot, kind)


def calls() -> list[Json]:
    """The sample's calls in the two national forms."""
    pages = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLE.glob("boamp_page_*.json"))
    ]
    rows = [row for page in pages for row in page["results"] if row["nature"] == "APPEL_OFFRE"]
    return [
        row
        for row in rows
        if set(json.loads(row["donnees"])) & set(FORMS) and row["dateparution"] > "2026-11-10"
    ]


def call(row: Json, i: int) -> Json:
    """Its i-th repetition: another number, title and reference, and a deadline far away."""
    number, form = f"26-5{i:05d}", json.loads(row["donnees"])
    text = json.dumps(form, ensure_ascii=False).replace(row["objet"], f"{row['objet']}, secteur {i}")
    form = _dated(json.loads(text), DEADLINE)
    return {
        **row, "idweb": number, "id": number.replace("-", "_"), "objet": f"{row['objet']}, secteur {i}", "donnees": json.dumps(form, ensure_ascii=False),
        "gestion": row["gestion"].replace(row["idweb"], number).replace(row["objet"], f"{row['objet']}, secteur {i}"),
        "datelimitereponse": DEADLINE + "+01:00", "dateparution": "2026-11-23", "url_avis": f"https://www.boamp.fr/pages/avis/?q=idweb:{number}",
    }  # fmt: skip


def _dated(value: Any, moment: str) -> Any:
    """The form with this day as the deadline, and with a reference of its own."""
    if isinstance(value, dict):
        changed = {"dateReceptionOffres": moment, "receptionOffres": moment}
        return {k: changed[k] if k in changed and isinstance(v, str) else _dated(v, moment) for k, v in value.items() if k not in ("identifiantInterne", "idMarche")}  # fmt: skip
    return [_dated(one, moment) for one in value] if isinstance(value, list) else value


def follow(row: Json, number: str, of: str, state: str, text: str, deadline: str = DEADLINE) -> Json:
    """A correction or a cancellation of a record, as the BOAMP publishes it: organisation and changed section only."""
    name, form = next(iter(json.loads(row["donnees"]).items()))
    section: Json = {
        state: text,
        "natureMarche" if name == "FNSimple" else "description": {
            "intitule": row["objet"],
            "objet": row["objet"],
        },
    }
    if state == "rectificatif":
        section["procedure"] = {"dateReceptionOffres": deadline}
    etat = {"rectificatif": "MODIFICATION", "annulation": "ANNULATION"}[state]
    managed = {"REFERENCE": {"IDWEB": number, "TYPE_AVIS": {"NATURE": {state.upper(): {}}, "STATUT": {etat: ""}}, "ANNONCE_ANTERIEUR": {"IDWEB": of}}}  # fmt: skip
    return {
        **row, "idweb": number, "id": number.replace("-", "_"), "nature": state.upper(), "etat": etat, "annonce_lie": [of], "annonces_anterieures": [of],
        "datelimitereponse": deadline + "+01:00" if state == "rectificatif" else None, "gestion": json.dumps(managed, ensure_ascii=False),
        "donnees": json.dumps({name: {"organisme": form["organisme"], state: section}}, ensure_ascii=False), "dateparution": "2026-11-25",
        "url_avis": f"https://www.boamp.fr/pages/avis/?q=idweb:{number}",
    }  # fmt: skip


def followed(row: Json, i: int, kind: str) -> tuple[list[Json], list[Json]]:
    """What the second night and the third bring on a record."""
    first, second, of = f"26-6{i:05d}", f"26-7{i:05d}", row["idweb"]
    moved = follow(
        row, first, of, "rectificatif", "Au lieu de : 1er mars 2027. Lire : 15 mars 2027 à 12 h.", MOVED
    )
    later = "Au lieu de : 15 mars 2027. Lire : 22 mars 2027 à 12 h."
    cancelled = "La consultation est déclarée sans suite."
    return {
        "deadline": ([moved], []),
        "text": ([follow(row, first, of, "rectificatif", "Lire : la visite du site est obligatoire.")], []),
        "nothing new": ([follow(row, first, of, "rectificatif", "")], []),
        "cancelled": ([follow(row, first, of, "annulation", cancelled)], []),
        "twice": ([moved], [follow(row, second, of, "rectificatif", later, AGAIN)]),
        "of a correction": ([moved], [follow(row, second, first, "rectificatif", later, AGAIN)]),
        "corrected, then cancelled": ([moved], [follow(row, second, first, "annulation", cancelled)]),
        "both at once": ([moved, follow(row, second, of, "annulation", cancelled)], []),
        "repeated": ([row], []),
    }[kind]  # fmt: skip


def read(folder: Path, name: str, rows: Sequence[Json]) -> list[Tender]:
    """The notices of pages of the API, a hundred records each."""
    target = folder / name
    target.mkdir()
    for start in range(0, len(rows), 100):
        page = {"total_count": len(rows), "results": rows[start : start + 100]}
        (target / f"{start:05d}.json").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    found = list(files.read([target]))
    if wrong := [one for one in found if not isinstance(one, Tender)]:
        raise SystemExit(f"not read: {wrong[0]}")
    return found  # type: ignore[return-value]


def told(store: Store, day: int) -> Told:
    """Every line of a day's digests, and how often."""
    with store.reading() as connection:
        which = Digest.day == (n.MOMENT + timedelta(days=day)).date()
        rows = connection.execute(select(Digest.addressee, Digest.content).where(which))
        return Counter((row.addressee, i["notice_id"], i["lot_id"], i["kind"]) for row in rows for i in row.content["items"])  # fmt: skip


def nights(home: Path, count: int) -> Iterator[Told]:
    """What each of the five runs tells, the last two on one day."""
    rows, kinds = calls(), list(FOLLOWED)
    made = [call(rows[i % len(rows)], i) for i in range(count)]
    news = [followed(row, i, kinds[i % len(kinds)]) for i, row in enumerate(made)]
    first = read(home, "first", made)
    second = read(home, "second", [row for one, _ in news for row in one])
    third = read(home, "third", [row for _, one in news for row in one])
    sample = gather.gather([SAMPLE])
    save_catalogue(build_catalogue(sample.structures, sample.awards), home / "catalogue")
    options = batch.Options(rules=Rules(cap=10 * count, first_volume=10**6, brake=10**6))
    with Store.open(f"sqlite:///{home}/store.sqlite") as store:
        everything = [*first, *second, *third]
        for day, tenders in ((0, first), (1, second), (2, third), (3, everything), (3, everything)):
            batch.run(store, home / "catalogue", tenders, options, moment=n.MOMENT + timedelta(days=day))
            yield told(store, day)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--notices", type=int, default=500)
    count = parser.parse_args().notices
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="maillage-") as home:
        announced, second, third, again, same_day = nights(Path(home), count)
    kinds = list(FOLLOWED)
    first = {(who, notice, lot) for who, notice, lot, _ in announced}
    wrong: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    for night, found in enumerate((second, third)):
        due = {(who, notice, lot, what) for who, notice, lot in first if (what := FOLLOWED[kinds[int(notice[4:]) % len(kinds)]][night])}  # fmt: skip
        for _, notice, _, what in due - set(found):
            wrong[f"missed: {kinds[int(notice[4:]) % len(kinds)]}, {what}"] += 1
        for _, notice, _, what in set(found) - due:
            wrong[
                f"not due: {kinds[int(notice[4:]) % len(kinds)] if notice.startswith('26-5') else notice}, {what}"
            ] += 1
        reached.update(what for *_, what in found)
    wrong["twice"] = sum(c > 1 for one in (announced, second, third) for c in one.values())
    wrong["told again"] = len(again) + len(same_day)
    result = {
        "notices": count, "followed": sum(len(a) + len(b) for a, b in [_lengths(k) for k in kinds]) * count // len(kinds), "announced": len(announced),
        "addressees": len({who for who, *_ in announced}), "told": dict(reached), "wrong": {k: v for k, v in wrong.items() if v}, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    print(json.dumps(result, ensure_ascii=False))
    return 1 if result["wrong"] else 0


def _lengths(kind: str) -> tuple[Sequence[Json], Sequence[Json]]:
    return followed(call(calls()[0], 0), 0, kind)


if __name__ == "__main__":
    sys.exit(main())
