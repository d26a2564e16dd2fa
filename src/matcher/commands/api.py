"""`matcher api`: ask a running service by the routes of its API, which its page /docs describes."""

import json
from typing import Annotated

from service.client.core import Client, Problem
from typer import Argument, Option

from matcher.commands._options import HELP, Output, Words
from matcher.console import emit, say
from matcher.domain import BadInput


def run(
    verb: Annotated[str, Argument(help="GET, POST, PUT or DELETE.")],
    path: Annotated[str, Argument(help="Under /v1: exchange, exchange/ID/group?...")],
    fields: Annotated[
        Words, Argument(help="NAME=VALUE, of the body, or of the address; a list as JSON.")
    ] = None,
    url: Annotated[str, Option(envvar="MATCHER_PUBLIC_URL")] = "http://127.0.0.1:8000",
    key: Annotated[str, Option(envvar="MATCHER_KEY", help=HELP, show_default=False)] = "",
    format: Output = "table",
) -> None:
    """Ask a service as the holder of a key: the exchange of partners, sourcing records, facilitators, webhooks ...

    \b
    matcher api POST exchange siret=00010001600013 notice_id=26-130101 brings=tonte seeks="nettoyage des locaux"
    matcher api GET exchange/suggestions siret=00010001600013
    matcher api POST exchange/ID/agreement other=ID role=cotraitant part="nettoyage"
    matcher api POST "exchange/ID/won?promised=400"
    matcher api DELETE exchange/ID
    matcher api POST territory/needs need=besoin-1 facilitator=plie-du-nord
    """
    given = {name: value for name, _, value in (field.partition("=") for field in fields or ())}
    try:
        asked = {n: json.loads(v) if v.startswith(("[", "{")) else v for n, v in given.items()}
        sent = verb.upper() in ("POST", "PUT")
        pair = (None, asked) if sent else (asked, None)
        answer = Client(url, key).call(verb.upper(), f"/v1/{path}", *pair)
    except (Problem, ValueError) as error:
        raise BadInput(str(error)) from None
    if answer is None:
        say("done")
    else:
        listed = answer.get("items", [answer]) if isinstance(answer, dict) else answer
        emit(listed, format)
