"""Companies of the national register."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from matcher.domain import BadInput
from matcher.reading.sync._client import (
    Client,
    Report,
    _forget,
    _results,
    _save,
    _state,
    _write_json,
    address,
    client_of,
)

#: Recherche d'entreprises: results a page, and how far the pages reach.
REGISTER_LIMIT, REGISTER_REACH = 25, 10_000


SECTIONS = "ABCDEFGHIJKLMNOPQRSTU"


def entreprises(
    folder: Path,
    sirens: Iterable[str] = (),
    departments: Iterable[str] = (),
    ess: bool = False,
    client: Client | None = None,
    today: date | None = None,
) -> Report:
    """Whether each establishment is still open, by the register: given SIRENs, else all SIAE (or ESS) of the departments.

    A question with more answers than the pages reach (10,000) is put again by section of activity.
    """
    report = Report("entreprises", folder)
    day = (today or datetime.now(UTC).date()).isoformat()
    flag = {"est_ess": "true"} if ess else {"est_siae": "true"}
    wanted = [re.sub(r"\D", "", siren)[:9] for siren in sirens]
    wrong = [siren for siren in wanted if len(siren) != 9]
    if wrong:
        raise BadInput(f"{len(wrong)} of the SIRENs given have not 9 digits ({wrong[0]!r}): correct the list")
    questions: list[dict[str, str]] = [{"q": siren} for siren in dict.fromkeys(wanted)]
    if not questions:
        from matcher.reference.places import departments as all_departments

        codes = list(departments) or [department.code for department in all_departments()]
        questions = [{**flag, "departement": code} for code in codes]
    with _state(folder) as state, client or client_of("entreprises") as http:
        done = state.get("done", {}) if state.get("day") == day else {}
        questions.reverse()
        while questions:
            question = questions.pop()
            key = "_".join(
                value for name, value in sorted(question.items()) if not name.startswith("est_")
            ) + ("_ess" if ess else "")
            if key in done:
                report.unchanged += 1
                continue
            total = _register_pages(http, folder, key, question, report)
            if total > REGISTER_REACH and "section_activite_principale" not in question:
                questions += [
                    {**question, "section_activite_principale": section} for section in reversed(SECTIONS)
                ]
                continue
            if total > REGISTER_REACH:
                report.notes.append(f"{key}: only the first {REGISTER_REACH} of {total} can be reached")
            done[key] = total
            _save(folder, {"day": day, "done": done})
        report.requests = http.requests
    return report


def _register_pages(http: Client, folder: Path, key: str, question: Mapping[str, str], report: Report) -> int:
    url, number, pages = address("entreprises"), 1, 1
    while number <= pages:
        params = {**question, "page": number, "per_page": REGISTER_LIMIT}
        page, _ = http.json(url, params)
        results = _results(page, url, "total_results")
        total = int(page["total_results"])
        if number == 1:
            if (
                total > REGISTER_REACH
                and "section_activite_principale" not in question
                and "q" not in question
            ):
                return total
            _forget(folder, key)
            pages = min(-(-total // REGISTER_LIMIT), REGISTER_REACH // REGISTER_LIMIT)
        if results:
            _write_json(folder / f"{key}_{number:04d}.json", page)
            report.pages += 1
            report.records += len(results)
        number += 1
    return total
