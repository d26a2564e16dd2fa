"""Fetching from those who publish, against a real server that fails in the ways that servers fail."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pytest import MonkeyPatch
from typer.testing import CliRunner

from matcher.cli import build
from matcher.domain import BadInput
from matcher.reading.sync import _client, boamp, decp, entreprises, nomenclatures, siae, ted
from matcher.reading.sync._client import Client, Unreachable
from matcher.reference import codes, places, tables
from replay_server import Publisher, days

MONDAY = date(2025, 11, 3)
LATER = date(2026, 1, 1)  # a day when that week is long over


@pytest.fixture
def client(waits: list[float]) -> Iterator[Client]:
    with Client() as patient:
        yield patient


def ids(folder: Path, key: str = "idweb") -> list[str]:
    pages = (json.loads(path.read_text()) for path in sorted(folder.rglob("*_*.json")))
    return [row[key] for page in pages for row in page["results"]]


def test_a_passing_fault_is_asked_again(publisher: Publisher, client: Client, waits: list[float]) -> None:
    publisher.files["/x"] = b'{"a": 1}'
    publisher.faults += [("status", 500), ("status", 503), ("cut", 3)]
    body, _ = client.json(publisher.url + "/x")
    assert body == {"a": 1}
    assert waits == [2.0, 4.0, 8.0]


@pytest.mark.parametrize("asked", ["7", "a date"])
def test_retry_after_is_obeyed(publisher: Publisher, client: Client, waits: list[float], asked: str) -> None:
    publisher.files["/x"] = b"{}"
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    publisher.faults.append(("status", 429, {"Retry-After": "7" if asked == "7" else soon}))
    client.json(publisher.url + "/x")
    assert len(waits) == 1
    assert waits[0] == 7 if asked == "7" else 60 < waits[0] <= 100


def test_too_long_a_wait_and_too_many_faults_are_stated(publisher: Publisher, client: Client) -> None:
    publisher.faults.append(("status", 429, {"Retry-After": "86400"}))
    with pytest.raises(Unreachable, match="asks to wait 86400 s"):
        client.json(publisher.url + "/x")
    publisher.faults += [("status", 502)] * 4
    with pytest.raises(Unreachable, match=r"answered 502, 4 times: try again later; what was fetched is"):
        client.json(publisher.url + "/x")
    with pytest.raises(Unreachable, match="broke off"):
        client.json("http://127.0.0.1:1/")


def test_a_body_cut_without_a_sign_is_asked_again(publisher: Publisher, client: Client) -> None:
    publisher.notices = []
    publisher.publish(MONDAY, 3)
    publisher.faults.append(("truncate", 20))
    where = {"where": f"dateparution>=date'{MONDAY}' and dateparution<=date'{MONDAY}'"}
    body, _ = client.json(publisher.url + "/boamp/records", where)
    assert body["total_count"] == 3


def test_a_web_page_or_a_refusal_names_the_remedy(publisher: Publisher, client: Client) -> None:
    publisher.faults.append(("html",))
    with pytest.raises(Unreachable, match="MATCHER_BOAMP_URL"):
        client.json(publisher.url + "/boamp/records")
    publisher.faults.append(("status", 403))
    with pytest.raises(BadInput, match="MATCHER_SIAE_TOKEN"):
        client.json(publisher.url + "/siae/")
    with pytest.raises(Unreachable, match="not there"):
        client.json(publisher.url + "/nowhere")


def test_requests_keep_their_distance(publisher: Publisher, waits: list[float]) -> None:
    publisher.files["/x"] = b"{}"
    with Client(interval=30.0) as polite:
        for _ in range(3):
            polite.json(publisher.url + "/x")
    assert len(waits) == 2
    assert all(29 < wait <= 30 for wait in waits)


def fetch(publisher: Publisher, folder: Path, **options: Any) -> _client.Report:
    return boamp.boamp(folder, **{"since": MONDAY, "until": MONDAY, "today": LATER, **options})


def test_every_notice_comes_once_in_pages_that_can_be_read(publisher: Publisher, tmp_path: Path) -> None:
    from matcher.domain import Tender
    from matcher.reading import files

    for day in days(MONDAY, 7):
        publisher.publish(day, 50)
    publisher.publish(MONDAY + timedelta(days=7), 5)  # the week after, not asked for
    report = fetch(publisher, tmp_path)
    assert (report.pages, report.records) == (4, 350)
    assert sorted(ids(tmp_path)) == sorted(n["idweb"] for n in publisher.notices[:350])
    pages = sorted(tmp_path.rglob("*_*.json"))
    assert sum(isinstance(r, Tender) for r in files.read(pages)) == 350


def test_a_week_that_is_over_is_not_asked_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 120)
    fetch(publisher, tmp_path)
    asked = len(publisher.asked)
    report = fetch(publisher, tmp_path)
    assert (len(publisher.asked), report.unchanged, report.requests) == (asked, 1, 0)


def test_a_week_that_lasts_is_asked_on_condition_and_grows(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 120)
    today = MONDAY + timedelta(days=1)
    fetch(publisher, tmp_path, today=today, since=None, until=None)
    before = sorted(ids(tmp_path))
    report = fetch(publisher, tmp_path, today=today, since=None, until=None)
    # Same content: one conditional request a week still open, no page.
    assert (report.pages, report.unchanged > 0) == (0, True)
    assert publisher.asked[-1][2]["if-none-match"]
    publisher.publish(today, 30)
    fetch(publisher, tmp_path, today=today, since=None, until=None)
    assert len(ids(tmp_path)) == len(set(ids(tmp_path))) == 150
    assert set(before) < set(ids(tmp_path))


def test_beyond_ten_thousand_a_week_is_halved_a_day_exported(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 10_050)
    publisher.publish(MONDAY + timedelta(days=1), 80)
    publisher.publish(MONDAY + timedelta(days=5), 120)
    fetch(publisher, tmp_path)
    found = ids(tmp_path)
    assert len(found) == len(set(found)) == 10_250
    assert any(path.endswith("/exports/json") for path in publisher.paths)
    asked = len(publisher.asked)
    fetch(publisher, tmp_path)
    assert len(publisher.asked) - asked <= 3  # the total of the halved windows, nothing else


def test_a_broken_run_goes_on_where_it_stopped(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 450)
    publisher.faults += [("none",), ("none",), *[("status", 503)] * 4]
    with pytest.raises(Unreachable):
        fetch(publisher, tmp_path)
    assert len(ids(tmp_path)) == 200
    publisher.asked.clear()
    fetch(publisher, tmp_path)
    assert [query["offset"] for _, query, _ in publisher.asked] == ["200", "300", "400"]
    assert len(set(ids(tmp_path))) == len(ids(tmp_path)) == 450


def test_a_list_that_changes_while_it_is_read_is_read_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 250)

    def one_more(p: Publisher) -> None:
        p.notices.insert(0, {"idweb": "25-0000", "dateparution": MONDAY.isoformat(), "objet": "Nouveau"})

    publisher.faults += [("none",), ("then", one_more)]
    report = fetch(publisher, tmp_path)
    assert len(set(ids(tmp_path))) == len(ids(tmp_path)) == 251
    assert report.notes == []


def test_a_list_that_keeps_changing_is_reported_and_asked_anew(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 250)

    def grow(p: Publisher) -> None:
        new = {"idweb": f"25-00{len(p.notices)}", "dateparution": MONDAY.isoformat(), "objet": "Nouveau"}
        p.notices.insert(0, new)

    publisher.faults += [("none",), ("then", grow), ("none",)] * 3
    report = fetch(publisher, tmp_path)
    assert "changed while it was read" in report.notes[0]
    report = fetch(publisher, tmp_path)
    assert (report.notes, len(ids(tmp_path))) == ([], 253)


def test_a_changed_page_is_refused_and_what_was_fetched_is_kept(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 150)
    publisher.faults += [("none",), ("shape",)]
    with pytest.raises(Unreachable, match=r"another shape .* what was fetched is kept"):
        fetch(publisher, tmp_path)
    assert len(ids(tmp_path)) == 100


def test_days_the_wrong_way_round_two_runs_and_a_spoilt_state(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="swap them"):
        fetch(publisher, tmp_path, since=LATER, until=MONDAY)
    with _client._state(tmp_path), pytest.raises(BadInput, match="another run"):
        fetch(publisher, tmp_path)
    publisher.publish(MONDAY, 20)
    (tmp_path / "state.json").write_text("{broken")
    assert fetch(publisher, tmp_path).records == 20
    assert not list(tmp_path.glob(".writing-*"))


def test_a_broken_download_goes_on_by_range_and_once(publisher: Publisher, tmp_path: Path) -> None:
    body = json.dumps({"marches": [{"objet": f"Essai {n}", "id": str(n)} for n in range(9_000)]}).encode()
    publisher.files["/decp"] = body
    publisher.faults += [("cut", 150_000), ("status", 500), ("cut", 100_000)]
    decp.decp(tmp_path)
    assert (tmp_path / "decp.json").read_bytes() == body
    assert [h.get("range") is not None for _, _, h in publisher.asked] == [False, True, True, True]
    report = decp.decp(tmp_path)
    assert (report.unchanged, report.pages) == (1, 0)


def test_a_file_that_changed_between_two_parts_is_fetched_whole(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/decp"] = b"{" + b" " * 200_000 + b"}"
    new = b'{"marches": [' + b" " * 150_000 + b"]}"

    def change(p: Publisher) -> None:
        p.files["/decp"] = new

    publisher.faults += [("cut", 100_000), ("then", change)]
    decp.decp(tmp_path)
    assert (tmp_path / "decp.json").read_bytes() == new


def test_awards_are_named_by_their_first_bytes(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/decp"] = b"<html>moved</html>"
    with pytest.raises(Unreachable, match="MATCHER_DECP_URL"):
        decp.decp(tmp_path)
    assert not (tmp_path / "decp.json").exists()
    formats = {".parquet": b"PAR1", ".json.gz": b"\x1f\x8b", ".csv": b"uid,id", ".json": b"\xef\xbb\xbf [{}]"}
    for suffix, body in formats.items():
        publisher.files["/decp"] = body
        decp.decp(tmp_path)
        assert [path.name for path in tmp_path.glob("decp.*")] == [f"decp{suffix}"]


def some(count: int) -> list[dict[str, Any]]:
    facts = {"kind": "EI", "presta_type": []}
    return [{"id": n, "siret": f"{n:014d}", "name": f"S{n}", **facts} for n in range(count)]


def test_a_token_never_goes_elsewhere(publisher: Publisher, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    publisher.token, publisher.structures = "secret-of-a-test", some(120)
    with pytest.raises(BadInput, match="set the token"):
        siae.siae(tmp_path / "a")
    monkeypatch.setenv("MATCHER_SIAE_TOKEN", "secret-of-a-test")
    # The pages name a next page with another host: it is never asked.
    assert siae.siae(tmp_path / "b").records == 120
    assert not any("secret" in path.read_text() for path in (tmp_path / "b").rglob("*.json"))
    monkeypatch.setenv("MATCHER_SIAE_URL", "http://example.org/api/siae/")
    with pytest.raises(BadInput, match="not sent in clear"):
        siae.siae(tmp_path / "c")


def unit(number: int, department: str = "57", section: str = "N") -> dict[str, Any]:
    named = {"siren": f"{number:09d}", "nom_complet": f"U{number}"}
    return {**named, "departement": department, "section": section}


def test_the_register_is_asked_by_siren_or_by_department(publisher: Publisher, tmp_path: Path) -> None:
    publisher.units = [unit(n) for n in range(60)] + [unit(900, "54")]
    today = date(2025, 11, 20)
    report = entreprises.entreprises(tmp_path / "a", ["000000003", "00000000400012"], today=today)
    assert report.records == 2
    report = entreprises.entreprises(tmp_path / "b", asked=["57", "54"], today=today)
    assert (report.records, report.pages) == (61, 4)
    assert {query.get("est_siae") for _, query, _ in publisher.asked[-4:]} == {"true"}
    assert entreprises.entreprises(tmp_path / "b", asked=["57", "54"], today=today).requests == 0
    with pytest.raises(BadInput, match="9 digits"):
        entreprises.entreprises(tmp_path / "c", ["12"], today=today)


def test_departments_asked_in_parts(publisher: Publisher, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(entreprises, "LISTING", replace(entreprises.LISTING, reach=100))
    publisher.register_reach = 100
    # Its count stops at its reach: 100 is "100 or more", and a section with as many is asked by postcode.
    codes = "57000", "57100", "57070"
    units = (unit(n, section="N" if n < 150 else "Q") for n in range(160))
    publisher.units = [each | {"code_postal": codes[n % 3]} for n, each in enumerate(units)]
    report = entreprises.entreprises(tmp_path, asked=["57"])
    assert report.records == 160
    assert report.notes == []
    asked = len(publisher.asked)
    assert entreprises.entreprises(tmp_path, asked=["57"]).records == 0
    assert len(publisher.asked) == asked  # the same day: nothing is asked twice


@pytest.fixture
def own_tables(tmp_path: Path, monkeypatch: MonkeyPatch) -> Iterator[None]:
    """A home without imported tables, which nobody remembers afterwards."""
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    tables.forget()
    yield
    monkeypatch.undo()
    tables.forget()


@pytest.mark.usefixtures("own_tables")
def test_full_lists_replace_shipped(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/cpv"] = "code,label_fr\n90911200,Libellé d'essai\n".encode()
    publisher.files["/naf"] = b"code;libelle\n81.21Z;Nettoyage\n99.99Z;Inconnu\n"
    new = {"code": "57999", "nom": "Villeneuve-d'Essai", "codesPostaux": ["57997"], "siren": "000000125"}
    new |= {
        "codeDepartement": "57",
        "population": 12,
        "centre": {"type": "Point", "coordinates": [6.2, 49.1]},
    }
    publisher.files["/cog"] = json.dumps([{"code": "57463", "nom": "Metz la Neuve"}, new]).encode()
    metz, other = places.commune("57463"), codes.cpv_label("45442120")
    report = nomenclatures.nomenclatures(tmp_path / "reference")
    assert codes.cpv_label("90911200") == "Libellé d'essai"
    assert codes.cpv_label("45442120") == other  # what is not imported stays as shipped
    assert (codes.naf_label("9999Z"), codes.naf_label("81.21Z")) == ("Inconnu", "Nettoyage")
    assert "naf: 2 codes kept, 1 that the shipped table lacks" in report.notes
    assert "cog: 2 codes kept, 1 that the shipped table lacks" in report.notes
    renamed, added = places.commune("57463"), places.commune("57999")
    assert metz is not None and renamed is not None and added is not None
    assert renamed == replace(metz, name="Metz la Neuve")  # what a list does not say stays as shipped
    assert (added.region, added.latitude, added.longitude) == ("44", 49.1, 6.2)
    assert places.communes_of_postcode("57997") == (added,)
    assert places.commune_of_siren("000000125") == added
    assert places.commune("75056") is not None  # the others stay
    assert nomenclatures.nomenclatures(tmp_path / "reference").unchanged == 3
    publisher.files["/naf"] = b"couleur\nvert\n"
    with pytest.raises(_client.Unreachable, match="MATCHER_NAF_URL"):
        nomenclatures.nomenclatures(tmp_path / "reference")
    assert codes.naf_label("9999Z") == "Inconnu"  # the tables in use stay


@pytest.mark.usefixtures("own_tables")
def test_lists_may_be_files_of_this_machine(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    cog = tmp_path / "v_commune.csv"
    cog.write_text("TYPECOM,COM,REG,DEP,LIBELLE\nCOM,57998,44,57,Essai\nCOMD,57997,44,57,Ancienne\n", "utf-8")
    cpv = tmp_path / "cpv.csv"
    cpv.write_text("code,label_fr\n03113200-9,Betteraves d'essai\n", "utf-8")
    monkeypatch.setenv("MATCHER_COG_URL", str(cog))
    monkeypatch.setenv("MATCHER_CPV_URL", cpv.as_uri())
    monkeypatch.setenv("MATCHER_NAF_URL", str(tmp_path / "absent.csv"))
    with pytest.raises(BadInput, match=r"MATCHER_NAF_URL names .*absent.csv"):
        nomenclatures.nomenclatures(tmp_path / "reference")
    monkeypatch.setenv("MATCHER_NAF_URL", "")
    report = nomenclatures.nomenclatures(tmp_path / "reference")
    assert (report.records, report.unchanged, report.requests) == (1, 1, 0)
    found = places.commune("57998")
    assert found is not None and (found.name, found.department, found.region) == ("Essai", "57", "44")
    assert places.commune("57997") is None  # a delegated commune is no commune of today
    assert codes.cpv_label("03113200") == "Betteraves d'essai"
    assert nomenclatures.nomenclatures(tmp_path / "reference").unchanged == 2


def test_an_unknown_address_is_stated(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATCHER_BOAMP_URL", "ftp://x")
    with pytest.raises(BadInput, match="no http address"):
        boamp.boamp(tmp_path)
    monkeypatch.delenv("MATCHER_CPV_URL", raising=False)
    with pytest.raises(BadInput, match="set MATCHER_CPV_URL"):
        _client.address("cpv")


def test_the_command_fetches_and_prints(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 10)

    def run(*words: str) -> Result:
        return CliRunner().invoke(build(), ["sync", *words, "--to", str(tmp_path), "--format", "jsonl"])

    done = run("boamp", "--since", str(MONDAY), "--until", str(MONDAY + timedelta(days=1)))
    row = json.loads(done.stdout)
    assert (row["what"], row["records"]) == ("boamp", 10)
    assert "choose one of boamp, ted, decp" in str(run("x").exception)
    assert "is not a date" in str(run("boamp", "--since", "soon").exception)


def test_the_notices_of_ted_are_fetched_page_by_page_and_once(publisher: Publisher, tmp_path: Path) -> None:
    publisher.ted = [f"{n}-2025" for n in range(1, 6)]
    publisher.files = {f"/xml/{number}": b"<TED_EXPORT/>" for number in publisher.ted[:-1]}
    first = ted.ted(tmp_path, MONDAY, MONDAY)
    assert (first.pages, first.records) == (3, 4)
    assert first.notes == ["5-2025: its XML is not there"]
    assert sorted(path.stem for path in tmp_path.rglob("*.xml")) == publisher.ted[:-1]
    queries = [asked["query"] for path, asked, _ in publisher.asked if path == "/ted"]
    assert all("publication-date = 20251103" in query and "FRA" in query for query in queries)
    again = ted.ted(tmp_path, today=MONDAY)
    assert (again.records, again.unchanged) == (0, 4)


def test_another_shape_loses_nothing(publisher: Publisher, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    publisher.ted, publisher.files = ["1-2025"], {"/xml/1-2025": b"<TED_EXPORT/>", "/other": b"[]"}
    ted.ted(tmp_path, MONDAY, MONDAY)
    monkeypatch.setattr(Client, "json", lambda *_, **__: ([], None))
    with pytest.raises(Unreachable):
        ted.ted(tmp_path, MONDAY, MONDAY)
    assert len(list(tmp_path.rglob("*.xml"))) == 1


def test_pages_of_old_weeks_are_deleted_and_not_fetched_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(MONDAY, 3)
    fetch(publisher, tmp_path)
    assert boamp.prune(tmp_path, MONDAY) == 0
    assert boamp.prune(tmp_path, LATER) == 1 and not ids(tmp_path)
    assert fetch(publisher, tmp_path).records == 0

    publisher.ted, publisher.files = ["1-2025"], {"/xml/1-2025": b"<TED_EXPORT/>"}
    ted.ted(tmp_path, MONDAY, MONDAY)
    fetched = date.today()
    assert ted.prune(tmp_path, fetched) == 0
    assert ted.prune(tmp_path, fetched + timedelta(days=1)) == 1 and not list(tmp_path.rglob("*.xml"))
