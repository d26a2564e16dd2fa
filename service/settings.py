"""Settings, read once from the environment (`MATCHER_...`) and validated at start."""

import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from limits import parse
from matcher.domain import BadInput, MatcherError
from matcher.matching import recipes
from matcher.outreach.rules import Rules
from matcher.outreach.transport import server_of
from matcher.reference.identifiers import is_address
from matcher.reference.tables import user_dir

CLONE = Path(__file__).resolve().parents[1]
HOW_TO_BUILD = "build it with `make demo`, or `matcher index FILES --out {folder}`"


def _catalogue() -> Path:
    """`var/catalogue` here, else that of the clone."""
    here = Path("var/catalogue")
    return here if here.is_dir() or not (CLONE / "pyproject.toml").is_file() else CLONE / "var" / "catalogue"


DOMAINS = ("buyer_domains", "oidc_domains")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # of this machine alone


class Settings(BaseSettings):
    """Every field is an environment variable in capitals after `MATCHER_` (docs/operation.md lists them)."""

    model_config = SettingsConfigDict(env_prefix="MATCHER_", extra="ignore", frozen=True)

    catalogue: Path = Field(default_factory=_catalogue)
    recipe: str | None = None
    store: str | None = None  # sqlite:///FILE or postgresql://USER@HOST/BASE
    read: Literal["loopback", "open", "key"] = "loopback"  # who may read without a key
    #: Parts of the pages that need a key all the same.
    closed: tuple[Literal["home", "search", "structures"], ...] = ()
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
    webhook_hosts: tuple[str, ...] = ()  # HOST or HOST:PORT to which keys may have events sent
    buyer_domains: tuple[str, ...] = ()  # domains of addresses whose holders sign in as buyers by a link
    oidc_issuer: HttpUrl | None = None
    oidc_audience: str = "maillage"  # of bearer tokens
    oidc_client: str = ""  # as which the pages are registered with the issuer; signing in by it asks for both
    oidc_client_secret: str = Field("", repr=False)
    oidc_domains: tuple[str, ...] = ()  # of addresses for which the issuer's word is taken
    oidc_name: str = "ProConnect"  # of the issuer, on the page of signing in
    oidc_acr: tuple[str, ...] = ()  # strengths of identification accepted; none given, one factor is assumed
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"
    public_url: str = "http://127.0.0.1:8000"
    #: Who answers for the service, who hosts it, and whom to write to for one's rights: required on a public address.
    controller: str = Field("", max_length=500)  # name and postal address; also publisher of the pages
    hosting: str = Field("", max_length=500)  # name and postal address
    objection: str = Field("", max_length=200)  # a mail address
    smtp: str = ""  # smtp://host:port or smtps://user@host; the password in MATCHER_SMTP_PASSWORD
    smtp_password: str = Field("", repr=False)
    #: Where mails go as files when there is no SMTP server.
    outbox: Path = Field(default_factory=lambda: user_dir() / "outbox")
    sender: str = "Maillage <ne-pas-repondre@maillage.example.org>"
    reply_to: str = "contact@maillage.example.org"  # of digests: answers and "stop" go there
    mail_secret: str | None = Field(None, min_length=16, repr=False)  # signs the links of mails
    vectors: str | None = None  # postgresql://USER@HOST/BASE of the recipe `pgvector`
    #: Concurrent comparisons in one process, all but one of them of one caller; further ones are queued, reads are not.
    threads: int = Field(3, ge=1, le=256)
    processes: int = Field(0, ge=0, le=256)  # that match; 0: the service matches itself
    workers_jobs: int = Field(1, ge=1, le=16)

    @property
    def at_once(self) -> int:
        """Concurrent comparisons: one caller, who gets all but one, keeps every matching process at work."""
        return max(self.threads, self.processes + 1)

    @property
    def unnamed(self) -> list[str]:
        """The variables on who answers for the service that a public address still lacks."""
        if urlsplit(self.public_url).hostname in LOOPBACK:
            return []
        names = ("controller", "hosting", "objection")
        return [f"MATCHER_{name.upper()}" for name in names if not getattr(self, name)]

    @property
    def federated(self) -> bool:
        """Do visitors sign in to the pages by the issuer?"""
        return bool(self.oidc_issuer and self.oidc_client and self.oidc_client_secret)

    @field_validator("catalogue", "outbox")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError(f"{value} is a file: give a folder")
        return value

    @field_validator("recipe")
    @classmethod
    def _recipe(cls, value: str | None) -> str | None:
        if value and value not in recipes.SHIPPED:
            raise ValueError(f"no recipe {value!r}: choose one of {', '.join(recipes.SHIPPED)}")
        return value or None

    @field_validator("store", "vectors")
    @classmethod
    def _database(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value:
            return None
        kinds = ("postgresql", "postgres", "sqlite")[: 2 if info.field_name == "vectors" else 3]
        try:
            url = make_url(value)
            backend = url.get_backend_name()
            known = backend in kinds and (backend == "sqlite" or url.host or url.query)
        except (ArgumentError, ValueError):  # ValueError: a port that is no number
            known = False
        if not known:
            first = "" if info.field_name == "vectors" else "sqlite:///FILE or "
            raise ValueError(
                f"write {first}postgresql://USER:PASSWORD@HOST/BASE, with a password's @ : / % as %40 %3A %2F %25"
            )
        return value

    @field_validator("smtp")
    @classmethod
    def _smtp(cls, value: str) -> str:
        if value:
            try:
                server_of(value)
            except BadInput as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("public_url", "rate", "sender", "reply_to", "cors", "webhook_hosts", *DOMAINS)
    @classmethod
    def _written(cls, value: Any, info: ValidationInfo) -> Any:
        good, wrong, kept = WRITTEN[str(info.field_name)]
        for text in (value,) if isinstance(value, str) else value:
            if not good(text):
                raise ValueError(f"{text!r} {wrong}")
        return kept(value) if isinstance(value, str) else tuple(map(kept, value))


def _is_rate(text: str) -> bool:
    with suppress(ValueError):
        return parse(text).amount > 0
    return False


def _is_site(text: str) -> bool:
    url = urlsplit(text)
    odd = url.query or url.fragment or " " in text
    return url.scheme in ("http", "https") and bool(url.hostname) and not odd


def _is_origin(text: str) -> bool:
    """True for https://HOST, and for http on this machine: compared whole."""
    try:
        found = urlsplit(text)
        whole = f"{found.scheme}://{found.hostname}" + (f":{found.port}" if found.port else "")
    except ValueError:
        return False
    safe = found.scheme == "https" or (found.scheme == "http" and found.hostname in LOOPBACK)
    return text == whole and safe and "*" not in text


_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")
#: Setting -> whether a text is one, what is said of one that is not, and how it is kept.
WRITTEN: dict[str, tuple[Callable[[str], object], str, Callable[[str], str]]] = {
    "public_url": (_is_site, "is no address of a site: write https://maillage.example.org", lambda text: text.rstrip("/")),
    "rate": (_is_rate, "is no rate: write 6000/minute", str),
    "sender": (lambda text: is_address(parseaddr(text)[1]), "holds no mail address: write Name <address@host>", str),
    "buyer_domains": (
        lambda text: "@" not in text and "." in text and text.isascii(), "is no domain: write ville.example", str.lower
    ),
    "webhook_hosts": (
        _HOST.fullmatch, "is no host: write hooks.example.org, or hooks.example.org:8443", str.lower
    ),
    "cors": (_is_origin, "is no origin: give https://HOST without a path", str),
}  # fmt: skip
WRITTEN |= {"reply_to": WRITTEN["sender"], **dict.fromkeys(DOMAINS, WRITTEN["buyer_domains"])}


def mail_transport(settings: Settings) -> Rules:
    """How mails of the pages leave."""
    sender, smtp, outbox = settings.sender, settings.smtp, settings.outbox
    return Rules(base_url=settings.public_url, sender=sender, smtp=smtp, outbox=outbox)


#: Variables that are not settings of the service: of the command line, of `matcher sync`, of tests.
OTHER_NAMES = frozenset(
    "HOME SHARED DEBUG KEY BOAMP_URL BOAMP_TOKEN TED_URL DECP_URL COG_URL CPV_URL NAF_URL ENTREPRISES_URL SIAE_URL SIAE_TOKEN "
    "SEAL_KEY ADAPTEES_URL ASSOCIATIONS_URL DECP_ROWS_URL EMPLOIS_URL EMPLOIS_TOKEN FINESS_URL FINESS_PLACES_URL INCLUSION_URL INCLUSION_TOKEN".split()
)


def read() -> Settings:
    """The settings of the environment.  Raises BadInput, naming the variable."""
    known = {name.upper() for name in Settings.model_fields} | OTHER_NAMES
    for name, value in os.environ.items():
        if name.startswith("MATCHER_") and "CHANGE_ME" in value:
            raise BadInput(
                f"{name} still says CHANGE_ME: replace it in the file of settings, or leave it out"
            )
        given = name.removeprefix("MATCHER_")
        # the name of a setting, nearly: it would be ignored silently
        if given != name and given not in known and (near := get_close_matches(given, known, 1, 0.75)):
            raise BadInput(f"{name} is no setting: MATCHER_{near[0]} is; see docs/operation.md")
    try:
        settings = Settings()  # type: ignore[call-arg]
        if settings.federated and not settings.oidc_domains:
            why = "name the domains of addresses for which the issuer's word is taken"
            raise BadInput(f"MATCHER_OIDC_DOMAINS: {why}")
        return settings
    except ValidationError as error:
        first = error.errors()[0]
        name = "MATCHER_" + "_".join(str(part) for part in first["loc"]).upper()
        why = str(first["msg"]).removeprefix("Value error, ")
        raise BadInput(f"setting {name}: {why}; see docs/operation.md") from None
    except MatcherError as error:
        raise BadInput(f"settings: {error}; see docs/operation.md") from None
    except Exception as error:  # pydantic-settings: a list that is no JSON
        raise BadInput(f'settings: {error}; see docs/operation.md (lists are JSON: ["a", "b"])') from None


def rules_of(path: Path | None = None, outbox: Path | None = None) -> Rules:
    """The operator's rules of mails: the environment, and over it the JSON file of `--rules`; into the folder given, if any."""
    settings = read()
    given: dict[str, Any] = {name: getattr(settings, name) for name in ("smtp", "sender", "reply_to")}
    given["base_url"] = settings.public_url if "public_url" in settings.model_fields_set else ""
    given["outbox"] = settings.outbox if "outbox" in settings.model_fields_set else None
    rules = Rules.read(path.read_text(encoding="utf-8") if path else "{}", given)
    return replace(rules, outbox=outbox, smtp="") if outbox else rules
