"""`matcher sync`: fetch notices, awards, structures and nomenclatures from their publishers."""

from __future__ import annotations

from pathlib import Path

import typer


def run(
    what: str = typer.Argument(..., help="boamp, decp, siae, entreprises or reference."),
    to: Path = typer.Option(Path("var/sync"), "--to", help="Folder that receives the pages and the state."),
    since: str | None = typer.Option(None, "--since", help="boamp: first day of publication (2025-11-01)."),
    until: str | None = typer.Option(None, "--until", help="boamp: last day; today by default."),
    department: list[str] = typer.Option([], "--department", help="entreprises: only these departments."),
    siren: list[str] = typer.Option([], "--siren", help="entreprises: only these SIRENs or SIRETs."),
    structures: Path | None = typer.Option(
        None, "--structures", help="entreprises: check those of this list."
    ),
    ess: bool = typer.Option(False, "--ess", help="entreprises: all of the social economy, not only SIAE."),
    format: str = typer.Option("table", "--format", "-f", help="table, jsonl or csv."),
) -> None:
    """Fetch what is new: retries with backoff, resumes an interrupted run, requests only what changed.

    Addresses and tokens come from the environment: MATCHER_BOAMP_URL, MATCHER_DECP_URL, MATCHER_SIAE_URL and
    MATCHER_SIAE_TOKEN, MATCHER_ENTREPRISES_URL, MATCHER_CPV_URL, MATCHER_NAF_URL, MATCHER_COG_URL (the last three
    may name a file of this machine).

    Examples:

    matcher sync boamp --since 2025-11-01

    matcher sync entreprises --structures members.xlsx

    matcher read var/sync/boamp
    """
    from matcher import console
    from matcher.domain import BadInput, Structure
    from matcher.reading import files
    from matcher.reading.sync import _client, boamp, decp, entreprises, nomenclatures, siae
    from matcher.reference.identifiers import clean_date

    kind = console.check_format(format)
    days = []
    for name, raw in (("--since", since), ("--until", until)):
        day = clean_date(raw) if raw else None
        if raw and day is None:
            raise BadInput(f"{name} {raw!r} is not a date: write it as 2025-11-01")
        days.append(day)
    folder = to / what
    if what == "boamp":
        report = boamp.boamp(folder, days[0], days[1])
    elif what == "decp":
        report = decp.decp(folder)
    elif what == "siae":
        report = siae.siae(folder)
    elif what == "entreprises":
        wanted = list(siren)
        if structures:
            wanted += [r.siren for r in files.read([structures]) if isinstance(r, Structure)]
            if len(wanted) == len(siren):
                raise BadInput(
                    f"{structures} holds no structure with a SIRET: give a directory of structures"
                )
        report = entreprises.entreprises(folder, wanted, department, ess)
    elif what == "reference":
        report = nomenclatures.nomenclatures(folder)
    else:
        raise BadInput(f"unknown source {what!r}: choose one of {', '.join(_client.WHAT)}")
    for note in report.notes:
        console.say(note)
    row = {
        "what": report.what, "requests": report.requests, "pages": report.pages, "records": report.records,
        "unchanged": report.unchanged, "folder": str(report.folder),
    }  # fmt: skip
    console.emit([row], kind)
