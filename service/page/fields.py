"""Form errors, shown next to each field and in a summary; checks shared by several forms."""

import math
import re
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any

import fastapi
from fastapi import Depends, Form, Query, UploadFile

from matcher.domain import BadInput
from matcher.reference.identifiers import clean_amount, is_address
from matcher.reference.text import clean

#: Of a form: a code, a name, the reference of a search, a line, an address of this site or some sentences, a text.
Word = Annotated[str, Form(max_length=40)]
Name = Annotated[str, Form(max_length=200)]
Reference = Annotated[str, Form(max_length=210)]
Line = Annotated[str, Form(max_length=300)]
Sentences = Annotated[str, Form(max_length=2000)]
Lines = Annotated[str, Form(max_length=5000)]
Lists = Annotated[list[str] | None, Form()]
Texts = dict[str, str]  # of a form, by field
File = Annotated[UploadFile | None, fastapi.File()]
#: Of an address: a code, an identifier or some words, the reference of a search.
Short = Annotated[str, Query(max_length=40)]
Asked = Annotated[str, Query(max_length=200)]
From = Annotated[str, Query(max_length=210)]
Ticked = Annotated[list[str] | None, Query()]


def form(blank: Texts | None = None, /, **longest: int) -> Any:
    """A dependency: the texts of a form, each of so many characters at most; one that is not sent is as in `blank`, or ""."""

    def sent(**texts: str) -> Texts:
        return texts

    asked = [
        Parameter(
            name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[str, Form(max_length=most)]
        )
        for name, most in longest.items()
        for default in [(blank or {}).get(name, "")]
    ]
    sent.__signature__ = Signature(asked)  # type: ignore[attr-defined]  # FastAPI reads it
    return Depends(sent)


class FieldErrors(BadInput):
    """Sentences by the id of the field that each is about."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def problems_of(error: Exception, field: str) -> dict[str, str]:
    """The problems of an error by field; an error that names no field is shown at `field`."""
    if isinstance(error, FieldErrors):
        return error.problems
    sentence = str(error)
    return {field: f"{sentence[:1].upper()}{sentence[1:]}"}


def checked(**fields: Callable[[], Any]) -> dict[str, Any]:
    """The value that each function reads.  Raises FieldErrors with the errors of all fields."""
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
        value = float(digits) if digits else None
    except ValueError:
        raise BadInput(sentence) from None
    if value is not None and not math.isfinite(value):
        raise BadInput(sentence)
    return value


def euros(text: str, what: str, field: str) -> float | None:
    """An amount as it is typed; None where nothing is.  Raises FieldErrors, which names what it is of."""
    if text.strip() in ("", "0"):
        return 0.0 if text.strip() else None
    value = clean_amount(text)
    if value is None:
        raise FieldErrors({field: f"{what} : écrivez un montant en euros, 45 000 ou 45000,50."})
    return value
