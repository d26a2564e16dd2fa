"""Mail addresses, judged by the library `email-validator` (syntax alone: no name server is asked)."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=10_000)
def mailbox(address: str) -> str:
    """The address as a mail server takes it (ASCII, no spaces around), "" where it is none."""
    from email_validator import EmailNotValidError, validate_email  # its tables take a start 40 ms

    try:
        found = validate_email(address.strip(), allow_smtputf8=False, check_deliverability=False)
    except EmailNotValidError:
        return ""
    return found.ascii_email or ""


def is_address(address: str) -> bool:
    """Is it a syntactically valid mail address?"""
    return bool(mailbox(address))
