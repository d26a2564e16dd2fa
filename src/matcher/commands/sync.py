"""`matcher sync`: fetch notices, awards, structures and nomenclatures from their publishers."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from matcher import plugins
from matcher.commands._options import Departments, Output, Region, day
from matcher.console import emit, say
from matcher.domain import BadInput, Structure
from matcher.reading import files
from matcher.reading.sync._client import Report
from matcher.records import self_declared
from matcher.territory import areas


def run(
    what: str = Argument(
        ...,
        help="boamp, ted, decp, siae, emplois, inclusion, entreprises, associations, finess, adaptees, site, reference.",
    ),
    to: Path = Option(Path("var/sync"), "--to", help="Folder that receives the pages and the state."),
    since: date | None = Option(None, "--since", parser=day, help="boamp, ted, decp --rows: first day."),
    until: date | None = Option(None, "--until", parser=day, help="boamp, ted: last day; today by default."),
    region: Region = "",
    department: Departments = None,
    siren: list[str] = Option([], "--siren", help="entreprises: only these SIRENs or SIRETs."),
    structures: Path | None = Option(
        None, "--structures", help="entreprises, associations, site: those of this list."
    ),
    ess: bool = Option(False, "--ess", help="entreprises: all of the social economy, not only SIAE."),
    rows: bool = Option(False, "--rows", help="decp: rows by the tabular API, not the whole file."),
    list_only: bool = Option(False, "--list-only", help="siae: without the page of each structure."),
    opt_out: Path | None = Option(None, "--opt-out", help="site: hosts, SIRETs and SIRENs never to read."),
    accept_fewer: bool = Option(
        False, "--accept-fewer", help="Take a list that lost over a fifth of itself."
    ),
    format: Output = "table",
    keep_days: Annotated[
        int, Option(min=0, help="boamp, ted: delete raw files of older days; 0 keeps all.")
    ] = 0,
) -> None:
    """Fetch what is new: retries with backoff, resumes an interrupted run, requests only what changed.

    A list replaces the earlier one only when complete, and never when it lost over a fifth of its records.

    Addresses and tokens come from the environment: MATCHER_BOAMP_URL, MATCHER_TED_URL, MATCHER_DECP_URL, MATCHER_DECP_ROWS_URL,
    MATCHER_SIAE_URL and MATCHER_SIAE_TOKEN, MATCHER_EMPLOIS_URL, MATCHER_INCLUSION_URL and MATCHER_INCLUSION_TOKEN,
    MATCHER_ENTREPRISES_URL, MATCHER_ASSOCIATIONS_URL, MATCHER_FINESS_URL, MATCHER_FINESS_PLACES_URL,
    MATCHER_ADAPTEES_URL, MATCHER_CPV_URL, MATCHER_NAF_URL, MATCHER_COG_URL (the last three may name a file of this
    machine).  --region and --department bound emplois, entreprises and decp --rows; the others come whole: see
    `matcher index`.

    Examples:

    matcher sync boamp --since 2025-11-01

    matcher sync siae

    matcher sync entreprises --structures members.xlsx

    matcher sync site --structures members.xlsx --opt-out opt-out.txt

    matcher sync associations --structures var/sync/entreprises

    matcher read var/sync/boamp
    """

    within = areas.codes_within(region, department)

    def source() -> Any:
        return plugins.find("reading.sync", "nomenclatures" if what == "reference" else what)

    folder = to / what
    fetch: dict[str, Callable[[], Report]] = {
        "boamp": lambda: source().boamp(folder, since, until),
        "ted": lambda: source().ted(folder, since, until),
        "decp": lambda: (
            source().rows(to / "decp-rows", within, since, accept_fewer=accept_fewer)
            if rows
            else source().decp(folder)
        ),
        "siae": lambda: source().siae(folder, details=not list_only, accept_fewer=accept_fewer),
        "emplois": lambda: source().emplois(folder, within, accept_fewer=accept_fewer),
        "inclusion": lambda: source().inclusion(folder, accept_fewer=accept_fewer),
        "entreprises": lambda: source().entreprises(
            folder, [*siren, *(s.siren for s in (_listed(structures) if structures else ()))], within, ess
        ),
        "associations": lambda: source().associations(folder, _numbers(structures)),
        "finess": lambda: source().finess(folder),
        "adaptees": lambda: source().adaptees(folder),
        "site": lambda: source().site(
            folder, _listed(structures), source().opted_out(opt_out) | self_declared.unread_sites(), say=say
        ),
        "reference": lambda: source().nomenclatures(folder),
    }
    if what not in fetch:
        raise BadInput(f"unknown source {what!r}: choose one of {', '.join(fetch)}")
    report = fetch[what]()
    if what in ("boamp", "ted") and keep_days:
        gone = source().prune(folder, date.today() - timedelta(days=keep_days))
        report.notes.append(f"{gone} raw files older than {keep_days} days deleted")
    say(*report.notes)
    names = ("what", "requests", "pages", "records", "unchanged", "folder")
    emit([{name: getattr(report, name) for name in names}], format)


def _numbers(path: Path | None) -> dict[str, str]:
    """RNA number -> SIREN of the associations of a list, as `matcher sync entreprises` gives them."""

    found = {s.rna: s.siren for s in _listed(path) if s.rna} if path else {}
    if not found:
        remedy = "give the folder of `matcher sync entreprises` with --structures"
        raise BadInput(f"no RNA number is known: {remedy}")
    return found


def _listed(path: Path | None) -> list[Structure]:
    if path is None:
        raise BadInput("give the directory whose sites are to be read with --structures")
    found = [record for record in files.read([path]) if isinstance(record, Structure)]
    if not found:
        raise BadInput(f"{path} holds no structure with a SIRET: give a directory of structures")
    return found
