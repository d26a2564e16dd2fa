"""The operator's rules of the mails: how many lots, to whom, when, by which server or into which folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from matcher import codec
from matcher.domain import BadInput
from matcher.reference.french import PARIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The operator's rules; each may be set in the JSON file of `--rules`."""

    cap: int = 5  # cards of lots announced to one structure in a day
    floor: float = 0.0001  # probability under which nothing is announced or kept
    brake: float = 3.0  # times the usual median of digests: above it the run is held
    usual_runs: int = 30  # runs that make the median
    first_volume: int = 500  # digests allowed before there are three runs to compare with
    wave: int = 10  # structures in a wave, for an unpublished need
    enough: int = 6  # interested structures that stop the waves
    opens: int = 8  # hour from which mail may leave, Paris time
    closes: int = 19  # hour from which it may not
    weekend: bool = False
    sender: str = "Maillage <ne-pas-repondre@maillage.example.org>"
    reply_to: str = "contact@maillage.example.org"
    base_url: str = ""  # of the service, for the links of mails; without it mails carry none
    outbox: Path | None = None  # the folder into which mails go as files, where there is no server
    smtp: str = ""  # smtp://host:port, smtps://user@host; the password from MATCHER_SMTP_PASSWORD

    def __post_init__(self) -> None:
        if self.cap < 1 or not 0 <= self.floor <= 1 or self.wave < 1 or self.brake <= 1:
            raise BadInput("rules: cap and wave are 1 or more, floor is between 0 and 1, brake is above 1")
        if not 0 <= self.opens < self.closes <= 24:
            raise BadInput("rules: opens and closes are hours, 0 <= opens < closes <= 24")
        if self.base_url and not self.base_url.startswith(("https://", "http://")):
            raise BadInput(f"rules: base_url {self.base_url!r} must begin with https://")

    @classmethod
    def read(cls, text: str, defaults: Mapping[str, Any] | None = None) -> Rules:
        """Rules of a JSON object, over `defaults`.  Raises BadInput on an unknown name."""
        try:
            given = json.loads(text)
        except ValueError as error:
            raise BadInput(f'the rules are no JSON ({error}): write an object such as {{"cap": 3}}') from None
        names = {f.name for f in fields(cls)}
        if not isinstance(given, dict) or set(given) - names:
            odd = ", ".join(sorted(set(given) - names)) if isinstance(given, dict) else "not an object"
            raise BadInput(f"the rules hold {odd}: choose among {', '.join(sorted(names))}")
        return codec.from_json(cls, {**(defaults or {}), **given})

    def may_leave(self, at: datetime) -> bool:
        """Are we within sending hours, Paris time?"""
        local = at.astimezone(PARIS)
        return self.opens <= local.hour < self.closes and (self.weekend or local.weekday() < 5)
