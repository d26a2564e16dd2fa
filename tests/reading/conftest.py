"""A publisher on loopback, asked by a client that notes the seconds it would have waited."""

from collections.abc import Iterator

import pytest

from matcher.reading.sync import _client
from replay_server import Publisher, serving

PATHS = {
    "BOAMP": "/boamp", "TED": "/ted", "DECP": "/decp", "DECP_ROWS": "/rows/",
    "SIAE": "/siae/", "EMPLOIS": "/emplois/", "INCLUSION": "/inclusion", "ENTREPRISES": "/search",
    "ASSOCIATIONS": "/joafe/", "FINESS": "/finess.csv", "FINESS_PLACES": "/places.csv", "ADAPTEES": "/ea.csv",
    "CPV": "/cpv", "NAF": "/naf", "COG": "/cog",
}  # fmt: skip


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr(_client, "pause", waits.append)
    for name, value in (("INTERVAL", 0.0), ("PACE", {}), ("ATTEMPTS", 4), ("TIMEOUT", 5.0)):
        monkeypatch.setattr(_client, name, value)
    return waits


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[Publisher]:
    with serving() as found:
        for what, path in PATHS.items():
            monkeypatch.setenv(f"MATCHER_{what}_URL", found.url + path)
        for name in _client.TOKENS.values():
            monkeypatch.delenv(name, raising=False)
        yield found
