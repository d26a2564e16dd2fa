"""Logos come over checked connections, are decoded apart and kept small; what is no image harms nothing."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from hostile_sites import Web, endless, fetcher, moved, page, serving
from matcher.commands import _logos
from matcher.domain import BadInput
from matcher.reading import confined
from matcher.reading.sync import logos
from matcher.records import logos as in_store
from matcher.records.store import Store

pytest.importorskip("protego")
Image = pytest.importorskip("PIL.Image")

ONE, TWO = "00010001600013", "00010001600021"
DAY = date(2026, 11, 28)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><rect width="90" height="90"/></svg>'


def picture(width: int = 400, height: int = 200, kind: str = "PNG", **options: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 40)).save(made, kind, **options)
    return made.getvalue()


def png_of(width: int, height: int, rows: int) -> bytes:
    """A PNG that states these sides and holds so many rows of zeros."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packed = zlib.compress(bytes((1 + 3 * width) * rows), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_an_image_becomes_a_small_one_without_what_came_with_it(kind: str) -> None:
    extra = {"comment": b"Aline Dupont"} if kind in ("JPEG", "GIF") else {}
    small = confined.small_picture(picture(kind=kind, **extra))
    found = Image.open(io.BytesIO(small))
    assert (found.format, found.size) == ("WEBP", (192, 96))
    assert len(small) < 10_000 and b"Aline" not in small


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (SVG, "no PNG"),
        (b"<!doctype html><title>Connexion</title>", "no PNG"),
        (b"", "no PNG"),
        (png_of(30_000, 30_000, 200), "too large"),
        (png_of(9_000, 9_000, 200), "too large"),
        (picture()[: len(picture()) // 2], "damaged"),
        (picture(1, 1), "too small"),
    ],
    ids=["svg", "html", "empty", "bomb", "large", "truncated", "counter"],
)
def test_what_is_no_usable_image_is_refused_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        confined.small_picture(data)
    assert confined.small_picture(picture())  # the next one is read


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        found.pages["images.example", "/one.png"] = page(picture(), kind="image/png")
        yield found


def listed(folder: Path, **addresses: str) -> Path:
    target = folder / "pages" / "siae" / "0001.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    sirets = {"one": ONE, "two": TWO}
    rows = [{"siret": sirets[name], "logo_url": url} for name, url in addresses.items()]
    target.write_text(json.dumps({"count": len(rows), "results": rows}), encoding="utf-8")
    return folder


def run(
    web: Web, folder: Path, held: Any = None, **options: Any
) -> tuple[dict[str, logos.Fetched], Any, list[str]]:
    kept: dict[str, logos.Fetched] = {}
    given: dict[str, Any] = {"today": DAY, "fetcher": fetcher(web, seconds=60.0), **options}
    report, gone = logos.logos(folder, held or {}, lambda found: kept.update({found.siret: found}), **given)
    return kept, report, gone


def test_the_logos_of_a_list_are_fetched_once(web: Web, tmp_path: Path) -> None:
    folder = listed(tmp_path, one="http://images.example/one.png")
    kept, _, gone = run(web, folder)
    assert kept[ONE].image and kept[ONE].day == DAY and not gone
    assert [path for _, path in web.asked] == ["/robots.txt", "/one.png"]
    held = {ONE: (kept[ONE].url, DAY, False)}
    assert run(web, folder, held)[1].unchanged == 1
    assert run(web, folder, held, today=DAY + timedelta(days=100))[1].records == 1
    removed = {ONE: ("http://images.example/before.png", date(2020, 1, 1), True)}
    assert run(web, folder, removed)[0] == {}  # its structure wants none


def test_a_logo_that_its_source_gives_no_more_is_named(web: Web, tmp_path: Path) -> None:
    folder = listed(tmp_path, one="http://images.example/one.png")
    held = {TWO: ("http://images.example/two.png", DAY, False)}
    assert run(web, folder, held)[2] == [TWO]
    assert run(web, folder, held, only={ONE})[2] == []
    assert run(web, folder, {ONE: held[TWO]}, opted_out={ONE})[2] == [ONE]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (moved("http://127.0.0.1/one.png"), "not to be read"),
        (moved("file:///etc/passwd"), "no address"),
        (moved("http://images.example/two.png"), "circle"),
        (endless(b"\x89PNG" * 4096, 1 << 24), "more than 2048 KB"),
        (page("<title>Connexion</title>", kind="image/png"), "no PNG"),
        (page(SVG, kind="image/svg+xml"), "no PNG"),
        (page("", status="404 Not Found"), "404"),
    ],
    ids=["inwards", "file", "circle", "endless", "html", "svg", "missing"],
)
def test_a_hostile_host_leaves_no_image(web: Web, tmp_path: Path, answer: Any, why: str) -> None:
    web.pages["images.example", "/two.png"] = answer
    folder = listed(tmp_path, two="http://images.example/two.png", one="http://images.example/one.png")
    kept, report, _ = run(web, folder)
    assert not kept[TWO].image and why in kept[TWO].why
    assert kept[ONE].image and report.records == 1
    assert set(web.connected) == {"93.184.216.34"}


def test_robots_txt_is_obeyed_and_a_silent_host_is_left_for_another_time(web: Web, tmp_path: Path) -> None:
    folder = listed(tmp_path, one="http://images.example/one.png", two="http://down.example/two.png")
    web.pages["images.example", "/robots.txt"] = page("User-agent: *\nDisallow: /", kind="text/plain")
    web.pages["down.example", "/robots.txt"] = page("", status="503 Busy")
    kept, report, _ = run(web, folder)
    assert "not to be read" in kept[ONE].why and TWO not in kept
    assert any("down.example does not answer" in note for note in report.notes)


def test_the_command_keeps_them_in_the_store(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_STORE", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setattr(logos, "Fetcher", lambda **_: fetcher(web, seconds=60.0))
    folder = listed(tmp_path, one="http://images.example/one.png")
    assert (_logos.fetched(folder).records, _logos.fetched(folder).unchanged) == (1, 1)
    with Store.open() as store:
        (version,) = in_store.versions(store, [ONE]).values()
        assert Image.open(io.BytesIO(in_store.image(store, ONE, version) or b"")).size == (192, 96)
    listed(tmp_path, two="http://images.example/one.png")
    _logos.fetched(folder)
    with Store.open() as store:
        assert in_store.versions(store, [ONE, TWO]).keys() == {TWO}
