"""What is wrong in a form, told beside each field and in a summary; the checks that several forms share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Form

from matcher.domain import BadInput
from matcher.reference.mailbox import is_address
from matcher.reference.text import clean

Word = Annotated[str, Form(max_length=40)]
Line = Annotated[str, Form(max_length=300)]
Lines = Annotated[str, Form(max_length=5000)]
Lists = Annotated[list[str] | None, Form()]


class FieldErrors(BadInput):
    """Sentences by the id of the field that each is about."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


class FieldError(FieldErrors):
    """What is wrong in one field of a form."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__({field: sentence})


def problems_of(error: Exception, field: str) -> dict[str, str]:
    """The problems of an error; those of one that names no field are told at `field`."""
    if isinstance(error, FieldErrors):
        return error.problems
    sentence = str(error)
    return {field: f"{sentence[:1].upper()}{sentence[1:]}"}


def checked(**fields: Callable[[], Any]) -> dict[str, Any]:
    """The value that each function reads.  Raises FieldErrors with what is wrong in every field, not in the first alone."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, read in fields.items():
        try:
            values[name] = read()
        except BadInput as error:
            problems |= problems_of(error, name)
    if problems:
        raise FieldErrors(problems)
    return values


def address(text: str, *, needed: bool = False) -> str:
    """An address of mail as it is typed.  Raises BadInput."""
    given = text.strip()
    if needed and not given:
        raise BadInput("Donnez une adresse de courriel.")
    if given and not is_address(given):
        raise BadInput("Cette adresse n'a pas la forme nom@domaine : corrigez-la.")
    return given


def words(text: str, sentence: str, least: int = 2) -> str:
    """A text of some letters at least.  Raises BadInput with the sentence."""
    given = clean(text)
    if len(given) < least:
        raise BadInput(sentence)
    return given


def number(text: str, sentence: str) -> float | None:
    """A number as it is typed, with its unit; None where nothing is.  Raises BadInput with the sentence."""
    digits = re.sub(r"[\s€%\u202f\u00a0]|km", "", text).replace(",", ".")
    try:
        return float(digits) if digits else None
    except ValueError:
        raise BadInput(sentence) from None
