"""API keys: made by the operator, scoped, shown once; the store holds only their hash."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update

from matcher.domain import BadInput, Forbidden, NotFound
from matcher.records.store import Store, now
from matcher.records.tables import Key
from matcher.reference.identifiers import siret_valid

PREFIX = "mlg"
PLAIN_SCOPES = ("read", "buyer", "operator")
REFUSED = "cette clé est inconnue, expirée ou révoquée : demandez-en une à l'exploitant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """The authenticated caller."""

    id: str
    scopes: tuple[str, ...]
    label: str = ""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime | None = None

    @property
    def sirets(self) -> tuple[str, ...]:
        """The SIRETs for which it may write."""
        return tuple(s.partition(":")[2] for s in self.scopes if s.startswith("structure:"))

    @property
    def actor(self) -> str:
        """Its identity in records: its SIRET when it has exactly one, else, and for who buys, the key's public part."""
        alone = len(self.sirets) == 1 and "buyer" not in self.scopes
        return self.sirets[0] if alone else f"key:{self.id}"

    def may(self, scope: str) -> bool:
        """True where the key holds this scope; the operator has every scope but writing for a SIRET."""
        return scope in self.scopes or ("operator" in self.scopes and not scope.startswith("structure:"))


def create(store: Store, scopes: Sequence[str], *, label: str = "", days: int | None = 365) -> str:
    """Make a key and return its secret, which is shown only once.  `days` None never expires.

    Raises BadInput on an unknown scope.
    """
    if not scopes:
        raise BadInput("une clé a au moins un droit : read, buyer, operator ou structure:SIRET")
    for scope in scopes:
        name, _, siret = scope.partition(":")
        if scope not in PLAIN_SCOPES and not (name == "structure" and siret_valid(siret)):
            remedy = "choisissez read, buyer, operator ou structure:SIRET (14 chiffres valides)"
            raise BadInput(f"droit {scope!r} inconnu : {remedy}")
    if days is not None and days < 1:
        raise BadInput("une clé vaut au moins un jour : donnez une durée positive")
    identifier, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    end = None if days is None else now() + timedelta(days=days)
    label = label[:200]
    row: dict[str, Any] = {"id": identifier, "hash": hashed(secret), "label": label}
    row["scopes"] = list(dict.fromkeys(scopes))
    row |= {"created_at": now(), "expires_at": end, "revoked_at": None}
    with store.writing("operator", "key.create", identifier, {"scopes": row["scopes"]}) as connection:
        store.put(connection, Key, [row])
    return f"{PREFIX}_{identifier}_{secret}"


def prove(store: Store, token: str) -> Bearer:
    """The holder of this secret.  Raises Forbidden, without saying which part was wrong."""
    prefix, _, rest = token.strip().partition("_")
    identifier, _, secret = rest.partition("_")
    if prefix != PREFIX or not secret:
        raise Forbidden(REFUSED)
    row = store.ask(select(Key.__table__).where(Key.id == identifier)).mappings().first()
    # hashed even where no key is found, for constant time
    same = hmac.compare_digest(hashed(secret), row["hash"] if row else "0" * 64)
    if row is None or not same or row["revoked_at"] or (row["expires_at"] and row["expires_at"] <= now()):
        raise Forbidden(REFUSED)
    return Bearer(id=row["id"], scopes=tuple(row["scopes"]), label=row["label"], expires_at=row["expires_at"])


def held(store: Store, identifier: str) -> Bearer | None:
    """The key of this public part where it is in force."""
    found = listed(store, Key.id == identifier)
    alive = found and not found[0].revoked_at and (found[0].expires_at is None or found[0].expires_at > now())
    return found[0] if alive else None


def listed(store: Store, *which: ColumnElement[bool]) -> tuple[Bearer, ...]:
    """All keys, or those which, without their secrets, oldest first."""
    query = select(Key.__table__).where(*which).order_by(Key.created_at, Key.id)
    rows = store.ask(query).mappings().all()
    held = ({**r, "scopes": tuple(r["scopes"])} for r in rows)
    return tuple(Bearer(**{k: v for k, v in row.items() if k != "hash"}) for row in held)


def revoke(store: Store, identifier: str) -> None:
    """Revoke a key immediately, by its public part or in full.  Raises NotFound."""
    public = identifier.strip().removeprefix(f"{PREFIX}_").partition("_")[0]
    with store.writing("operator", "key.revoke", public) as connection:
        held = update(Key).where(Key.id == public, Key.revoked_at.is_(None))
        if not connection.execute(held.values(revoked_at=now())).rowcount:
            raise NotFound(f"aucune clé en vigueur ne s'appelle {public!r} : voyez `matcher keys list`")


def hashed(secret: str) -> str:
    """What is kept of the secret of a key, a link or a code, in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()  # 256 random bits need no slow hash
