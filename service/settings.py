"""Where the service runs: read once from the environment (`MATCHER_...`), refused at start when wrong."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from matcher.domain import BadInput
from matcher.reference.tables import user_dir

if TYPE_CHECKING:
    from matcher.outreach.transport import MailTransport

CLONE = Path(__file__).resolve().parents[1]
HOW_TO_BUILD = "build it with `make demo`, or `matcher index FILES --out {folder}`"


def _catalogue() -> Path:
    """`var/catalogue` here, else that of the clone."""
    here = Path("var/catalogue")
    return here if here.is_dir() or not (CLONE / "pyproject.toml").is_file() else CLONE / "var" / "catalogue"


class Settings(BaseSettings):
    """Every field is an environment variable in capitals after `MATCHER_` (docs/operation.md lists them)."""

    model_config = SettingsConfigDict(env_prefix="MATCHER_", extra="ignore", frozen=True)

    catalogue: Path = Field(default_factory=_catalogue)
    recipe: str | None = None
    store: str | None = None  # sqlite:///FILE or postgresql://USER@HOST/BASE
    read: Literal["loopback", "open", "key"] = "loopback"  # who may read without a key
    secret: str = Field(default_factory=lambda: secrets.token_urlsafe(32), min_length=32)
    reload_seconds: float = Field(2.0, ge=0.05, le=3600)
    max_body: int = Field(8_000_000, ge=10_000, le=100_000_000)  # bytes
    max_need: int = Field(50_000, ge=1_000, le=1_000_000)  # characters of a need typed in
    max_lots: int = Field(150, ge=1, le=10_000)  # lots of one request
    max_text: int = Field(600_000, ge=10_000, le=10_000_000)  # characters of the lots of one request
    deadline: float = Field(20.0, ge=1, le=600)  # seconds that a request may take, and wait for its turn
    hosts: tuple[str, ...] = ()  # names under which the service is asked, besides that of public_url
    rate: str = "6000/minute"
    cors: tuple[str, ...] = ()
    oidc_issuer: HttpUrl | None = None
    oidc_audience: str = "maillage"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"
    public_url: str = "http://127.0.0.1:8000"
    smtp: str = ""  # smtp://host:port or smtps://user@host; the password in MATCHER_SMTP_PASSWORD
    outbox: Path = Field(
        default_factory=lambda: user_dir() / "outbox"
    )  # where mails go as files when there is no SMTP server
    sender: str = "Maillage <ne-pas-repondre@maillage.example.org>"
    threads: int = Field(
        2, ge=1, le=256
    )  # requests that compare at once in one process; the others wait their turn, what only reads does not
    workers_jobs: int = Field(1, ge=1, le=16)

    @field_validator("rate")
    @classmethod
    def _rate(cls, value: str) -> str:
        from limits import parse

        parse(value)
        return value

    @field_validator("smtp")
    @classmethod
    def _smtp(cls, value: str) -> str:
        if value and not value.startswith(("smtp://", "smtps://")):
            raise ValueError("write smtp://host:port or smtps://user@host")
        return value

    @field_validator("sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        from email.utils import parseaddr

        from matcher.outreach.transport import is_address

        if not is_address(parseaddr(value)[1]):
            raise ValueError("write Name <address@host>")
        return value

    @field_validator("cors")
    @classmethod
    def _cors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _is_origin(origin):
                raise ValueError(f"{origin!r} is no origin: give https://HOST without a path")
        return value


def _is_origin(text: str) -> bool:
    """True for https://HOST, and for http on this machine: compared whole, since a name may begin like another."""
    try:
        found = urlsplit(text)
        whole = f"{found.scheme}://{found.hostname}" + (f":{found.port}" if found.port else "")
    except ValueError:
        return False
    here = found.hostname in ("localhost", "127.0.0.1")
    return (
        text == whole and (found.scheme == "https" or (found.scheme == "http" and here)) and "*" not in text
    )


def mail_transport(settings: Settings) -> MailTransport:
    """How mails of the pages leave."""
    from matcher.outreach.transport import MailTransport

    return MailTransport(
        base_url=settings.public_url, sender=settings.sender, smtp=settings.smtp, outbox=settings.outbox
    )


def read() -> Settings:
    """The settings of the environment.  Raises BadInput, naming the variable at fault."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = "MATCHER_" + "_".join(str(part) for part in first["loc"]).upper()
        raise BadInput(f"setting {name}: {first['msg']}; see docs/operation.md") from None
    except Exception as error:  # pydantic-settings: a list that is no JSON
        raise BadInput(f'settings: {error}; see docs/operation.md (lists are JSON: ["a", "b"])') from None
