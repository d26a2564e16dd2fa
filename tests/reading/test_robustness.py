"""Damaged files are set aside with a reason: no exception, none slow, memory bounded."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

from bench import bench_sources as bench
from matcher.domain import Rejected, Tender
from matcher.reading import files


def reasons(data: bytes, name: str = "file") -> list[str]:
    records = list(files.read_bytes(data, name))
    assert all(isinstance(record, Rejected) for record in records)
    return [record.reason for record in records if isinstance(record, Rejected)]


def test_hundreds_of_damaged_files_raise_nothing() -> None:
    list(files.read([bench.SAMPLE]))  # libraries and tables are in memory before it is measured
    told = bench.attack(400, seed=1, bombs=5)
    assert told["records"] > 300  # salvaged: the damage is not everywhere
    assert told["grown"] < 300  # MB


def test_entities_are_refused_in_a_sentence() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE TED_EXPORT [<!ENTITY a "x">]><TED_EXPORT>&a;</TED_EXPORT>'
    (reason,) = reasons(bomb)
    assert "document type" in reason and "remove" in reason


def test_a_document_type_far_from_the_start_is_refused_too() -> None:
    bomb = (
        b'<?xml version="1.0"?>'
        + b" " * 70_000
        + b'<!DOCTYPE TED_EXPORT [<!ENTITY a "x">]><TED_EXPORT>&a;</TED_EXPORT>'
    )
    assert reasons(bomb)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.xml", b"<TED_EXPORT>" + b" " * (40 << 20))
    (reason,) = reasons(buffer.getvalue(), "bomb.zip")
    assert "bomb" in reason


def test_a_gzip_bomb_is_refused_before_it_is_unpacked() -> None:
    (reason,) = reasons(gzip.compress(b" " * (60 << 20)), "bomb.gz")
    assert "bomb" in reason


def test_archives_within_archives_stop_at_three() -> None:
    inner = b"<a/>"
    for level in range(6):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(f"{level}.zip", inner)
        inner = buffer.getvalue()
    (reason,) = reasons(inner, "nested.zip")
    assert "nested" in reason


def test_deep_json_is_refused() -> None:
    deep = b'[{"idweb":"1","nomacheteur":"x","donnees":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}]"
    assert reasons(deep, "deep.json")
    inside = json.dumps('{"EFORMS":' * 20_000 + "1" + "}" * 20_000)
    assert reasons(
        f'[{{"idweb":"1","nomacheteur":"x","objet":"y","donnees":{inside}}}]'.encode(), "deep.json"
    )


def test_an_empty_file_is_named_empty() -> None:
    (reason,) = reasons(b"  \n ", "empty.xml")
    assert "empty" in reason


def test_a_damaged_file_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"<TED_EXPORT><FORM_SECTION>")
    sound = Path(__file__).resolve().parents[2] / "data" / "sample" / "boamp_page_1.json"
    (tmp_path / "b.json").write_bytes(sound.read_bytes())
    records = list(files.read([tmp_path]))
    assert isinstance(records[0], Rejected) and "well-formed" in records[0].reason
    assert sum(isinstance(record, Tender) for record in records) > 5
