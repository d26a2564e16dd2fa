"""A key that many need at once is made once, is whole whoever reads it, and is of its owner alone."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytest import MonkeyPatch

from matcher.outreach import links
from matcher.records import chain
from matcher.reference.tables import made_once


def test_threads_that_race_for_a_key_read_one(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    for turn in range(25):
        start = threading.Barrier(8)

        def make(name: str, start: threading.Barrier = start) -> bytes:
            start.wait()
            return made_once(name)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(make, [f"{turn}.key"] * 8))
        assert len(set(found)) == 1 and len(found[0]) == 64
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600] * 25


def test_seals_and_links_have_keys_of_their_own(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    monkeypatch.delenv("MATCHER_MAIL_SECRET", raising=False)
    monkeypatch.delenv(chain.KEY, raising=False)
    assert links.token("a") == links.token("a") and chain.key() == chain.key()
    assert (tmp_path / "mail.secret").read_bytes() != chain.key()
