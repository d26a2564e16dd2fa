"""Companies of the national register."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from matcher.domain import BadInput
from matcher.reading.sync._client import Report, address
from matcher.reading.sync._pages import Listing, departments, listed, paged
from matcher.reference.places import postcodes

#: Recherche d'entreprises: a count of 10,000 is "10,000 or more", and so far its pages reach.
LISTING = Listing("results", "total_results", paged("per_page", 25), ("siren",), reach=10_000)
SECTIONS = "ABCDEFGHIJKLMNOPQRSTU"


def entreprises(
    folder: Path,
    sirens: Iterable[str] = (),
    asked: Iterable[str] = (),
    ess: bool = False,
    today: date | None = None,
) -> Report:
    """Whether each establishment is still open, by the register: given SIRENs, else all SIAE (or ESS) of the departments.

    A question with as many answers as the pages reach is split before it is read: by section of activity, then by
    postcode.
    """
    questions = _questions(sirens, asked, ess)
    with listed("entreprises", folder, today=today) as lists:
        state, report, day = lists.state, lists.report, lists.today.isoformat()
        split = state["split"] = state.get("split", {}) if state.get("day") == day else {}
        state["day"] = day
        while questions:
            question = questions.pop()
            plain = "_".join(value for name, value in sorted(question.items()) if not name.startswith("est_"))
            key = f"{plain}_ess" if "est_ess" in question else plain
            if lists.fetched(key) == day or split.get(key):
                report.unchanged += 1
            elif lists.read(key, address("entreprises"), LISTING, question) == "beyond":
                parts = list(_parts(question))
                if not parts:
                    report.notes.append(f"{key}: only the first {LISTING.reach} can be reached")
                split[key] = bool(parts)
                lists.save()
            if split.get(key):
                questions += reversed(list(_parts(question)))
    return report


def _questions(sirens: Iterable[str], asked: Iterable[str], ess: bool) -> list[dict[str, str]]:
    """The queries, last first."""
    wanted = [re.sub(r"\D", "", siren)[:9] for siren in sirens]
    wrong = [siren for siren in wanted if len(siren) != 9]
    if wrong:
        raise BadInput(f"{len(wrong)} of the SIRENs given have not 9 digits ({wrong[0]!r}): correct the list")
    if wanted:
        return [{"q": siren} for siren in reversed(list(dict.fromkeys(wanted)))]
    flag = {"est_ess": "true"} if ess else {"est_siae": "true"}
    return [{**flag, "departement": code} for code in reversed(departments(asked))]


def _parts(question: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The query split into smaller ones: by section, a section by postcode; no further."""
    if "section_activite_principale" not in question:
        yield from ({**question, "section_activite_principale": section} for section in SECTIONS)
    elif "code_postal" not in question:
        rest = {name: value for name, value in question.items() if name != "departement"}
        yield from ({**rest, "code_postal": code} for code in postcodes(question["departement"]))
