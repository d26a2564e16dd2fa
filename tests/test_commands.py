"""What a terminal, a pipe and a script may count on, whatever the command."""

import io
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from matcher import console, plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.reading import gather
from matcher.reference.paths import sample_dir
from terminal import command

SAMPLE = sample_dir()


@pytest.mark.parametrize("arguments", [("law",), ("law", "--format", "jsonl"), ("law", "--help")])
def test_a_reader_that_closes_the_pipe_is_no_error(arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "matcher", *arguments]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("format", ["table", "jsonl", "csv"])
def test_an_old_code_page_prints(format: str) -> None:
    out = io.TextIOWrapper(io.BytesIO(), "cp1252", errors="strict")
    with redirect_stdout(out):
        console.printable()
        console.emit([{"cpv": "≈ 77310000", "who": "Éole"}], format)
    out.flush()
    printed = out.buffer.getvalue().decode("cp1252")  # type: ignore[attr-defined]
    if format == "jsonl":
        assert json.loads(printed) == {"cpv": "≈ 77310000", "who": "Éole"}
    else:
        assert "? 77310000" in printed and "Éole" in printed


def test_quiet_leaves_data_and_errors(tmp_path: Path) -> None:
    notice = str(SAMPLE / "eforms" / "2026-etat-renovation.xml")
    loud, still = command("read", notice), command("read", notice, "--quiet")
    assert "read:" in loud.stderr
    assert (still.stdout, still.stderr) == (loud.stdout, "")
    assert "no such file" in command("--quiet", "index", str(tmp_path / "none.csv")).stderr


def test_an_error_is_json_where_json_lines_are_asked() -> None:
    wrong = command("read", "nowhere.csv", "--format", "jsonl")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    last = json.loads(wrong.stderr.splitlines()[-1])
    assert last["status"] == 2 and last["error"]
    assert "Traceback" not in wrong.stderr
    usage = command("read", "--colour", "--format=jsonl")
    assert usage.returncode == 2
    assert "--colour" in json.loads(usage.stderr)["error"]
    assert command("read", "--colour").stderr.startswith("Usage: matcher read")


def test_the_sample_is_written_once(tmp_path: Path) -> None:
    done = command("sample", cwd=tmp_path)
    assert (done.returncode, "matcher index data/sample" in done.stderr) == (0, True)
    assert (tmp_path / "data" / "sample" / "structures.csv").is_file()
    again = command("sample", cwd=tmp_path)
    assert (again.returncode, "not empty" in again.stderr) == (2, True)


def test_first_examples_name_files_of_the_sample() -> None:
    """Those of data/sample exist, in every help."""
    named = 0
    for name in plugins.names("commands"):
        text = Path(str(plugins.find("commands", name).__file__)).read_text(encoding="utf-8")
        for path in re.findall(r"^ +matcher [a-z].* (data/sample\S*)", text, re.M):
            named += 1
            assert (SAMPLE.parents[1] / path).exists() or list(SAMPLE.parents[1].glob(path)), (name, path)
    assert named > 8


def test_the_bare_command_lists_all_and_a_shell_completes_their_options() -> None:
    bare = command()
    assert "--install-completion" in bare.stderr and "opportunities" in bare.stderr
    words = {"COMP_WORDS": "matcher match --ra", "COMP_CWORD": "2"}
    assert command(_MATCHER_COMPLETE="complete_bash", **words).stdout.split() == ["--radius"]


def test_a_public_address_is_not_served_before_it_says_who_answers(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_PUBLIC_URL", "https://maillage.example")
    refused = command("serve", "--port", "0")
    assert refused.returncode == 2
    assert "MATCHER_CONTROLLER, MATCHER_HOSTING, MATCHER_OBJECTION" in refused.stderr


@pytest.mark.parametrize("served", [("serve",), ("mcp", "--http", "--catalogue", "data/sample")])
def test_a_busy_port_is_told_before_anything_is_served(served: tuple[str, ...]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = command(*served, "--port", str(taken.getsockname()[1]))
    assert busy.returncode == 2
    assert "cannot listen on 127.0.0.1" in busy.stderr
    assert "serving" not in busy.stderr and "tools at" not in busy.stderr


def test_no_structure_replaces_no_catalogue_that_has_some(catalogue: Catalogue, tmp_path: Path) -> None:
    save_catalogue(catalogue, tmp_path / "kept")
    (tmp_path / "need.txt").write_text("Entretien des espaces verts de Pantin", encoding="utf-8")
    empty = command("index", str(tmp_path / "need.txt"), "--out", str(tmp_path / "kept"))
    assert (empty.returncode, "stays, with those it has" in empty.stderr) == (2, True)
    assert len(load_catalogue(tmp_path / "kept")) == len(catalogue)
    none = command("index", str(tmp_path / "need.txt"), "--out", str(tmp_path / "new"))
    assert (none.returncode, "no structure" in none.stderr) == (2, True)
    assert not (tmp_path / "new").exists(), "nor is an empty one written where there is none"


def test_a_notice_is_matched_by_its_id(catalogue: Catalogue, sample: gather.Gathered, tmp_path: Path) -> None:
    """The lots of the notice and the deadline of its correction, where its file is no longer at hand."""
    save_catalogue(catalogue, tmp_path)
    gather.save_notices(sample.tenders, tmp_path)
    both = ("26-130101", "26-131010")  # the notice, and its correction, which is part of it
    done = command("match", *both, "--catalogue", str(tmp_path), "-f", "jsonl")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    lots = json.loads(line)["lots"]
    assert [lot["lot"]["number"] for lot in lots] == ["1", "2", "3"]
    assert {lot["lot"]["deadline"][:10] for lot in lots} == {"2027-01-04"}
    cancelled = command("match", "26-130877", "--catalogue", str(tmp_path)).stdout
    assert "26-127700" in cancelled and "Marché annulé (26-130877)" in cancelled
    assert "no such file" in command("match", "26-nowhere", "--catalogue", str(tmp_path)).stderr


def test_an_area_keeps_the_structures_and_holders_of_awards_whose_seat_is_there(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "siret,nom,type,commune,offres\n"
        "00010001600013,Les Talus,ACI,Nanterre,tonte\n00010001700011,Aux Haies,EI,Quimper,taille de haies\n"
    )
    holder = {"typeIdentifiant": "SIRET", "id": "00010001700011"}
    award = {"id": "1", "objet": "Tonte", "titulaires": [holder]}
    (tmp_path / "decp.json").write_text(json.dumps({"marches": {"marche": [award]}}))
    files, out = (str(tmp_path / "list.csv"), str(tmp_path / "decp.json")), str(tmp_path / "kept")
    done = command("index", *files, "--region", "ile-de-france", "--department", "Finistère", "--out", out)
    assert (done.returncode, len(load_catalogue(Path(out)))) == (0, 2), done.stderr
    done = command("index", *files, "--region", "ile-de-france", "--out", out)
    assert load_catalogue(Path(out)).sirets.tolist() == ["00010001600013"], done.stderr
    assert command("index", "--update", "--region", "11", "--out", out).returncode == 2
