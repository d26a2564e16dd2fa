"""The tools: each requests one route of `/v1` as the caller, so that keys, scopes and limits are the API's own.

The tools store nothing themselves.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import httpx
from pydantic import BeforeValidator, Field, ValidationError

from matcher import plugins
from matcher.domain import __version__
from matcher.reference.identifiers import IDENTITY
from service import access
from service.assistant import results
from service.faults import why
from service.schemas import CPV, DEPARTMENT

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mcp.server import MCPServer
    from starlette.requests import Request

INSTRUCTIONS = """Maillage finds structures of the social and solidarity economy for French public needs, with reasons.
Tell the user the reasons, the source and day of each fact, and repeat `note`: an order of presentation prejudges nothing.
Where `nobody` is true say so; never fill the list. What is unknown is listed in `missing`: do not guess it. Legal rules are
information to be verified, not advice. Needs are read in French alone: translate them. A need typed here is neither stored nor published."""
#: Headers that authenticate the caller: passed to the API unchanged.
FORWARDED = ("authorization", "x-api-key", "x-forwarded-for", "forwarded")
_caller: ContextVar[Request | None] = ContextVar("caller", default=None)

Need = Annotated[
    str | None,
    Field(
        description="What is to be done, in French: translate it, and leave out who and where (place). One of need, notice_id, notice."
    ),
]
Id = Annotated[str | None, Field(description="The id of an indexed notice, as `search_notices` gives it.")]
Notice = Annotated[
    # the SDK parses a text that is JSON before it is checked: the object is what is then given
    str | dict[str, Any] | list[Any] | None,
    Field(description="A notice as published, XML or JSON: BOAMP, eForms, TED or DECP."),
]
Place = Annotated[str, Field(description="Commune, postcode, department: ask the user where it is unknown.")]
_Close = BeforeValidator(lambda text: re.sub(r"\s", "", text) if isinstance(text, str) else text)
Siret = Annotated[
    str, _Close, Field(pattern=rf"^(?:{IDENTITY})$", description="SIRET, 14 digits; else another identity.")
]
Department = Annotated[str, Field(pattern=DEPARTMENT, description="Where the work is: a number.")]
OfBuyer = Annotated[str, Field(max_length=200, description="SIREN, SIRET or words of the name.")]
OpenOn = Annotated[date | None, Field(description="Those that can still be answered on this day.")]
OfTrade = Annotated[
    str, _Close, Field(pattern=r"^([0-9]{14})?$", description="Keep those of the trade of this structure.")
]
Many = Annotated[int, Field(ge=1, le=50)]
From = Annotated[int, Field(ge=0, le=150, description="Leave out the first ones, already read.")]


class Api:
    """The API as the tools ask it: in this process, or at an address."""

    def __init__(self, app: FastAPI | None = None, url: str = "", key: str = "") -> None:
        self.app, self.url, self.key = app, url.rstrip("/") or "http://127.0.0.1", key

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """The JSON of an answer.  Raises ToolError with the sentence of the problem."""
        with plugins.optional("mcp", "serving tools to assistants"):
            from mcp.server.mcpserver.exceptions import ToolError
        request = _caller.get()
        async with httpx.AsyncClient(
            transport=self._transport(request), base_url=self.url, timeout=120
        ) as client:
            try:
                answer = await client.request(method, f"/v1{path}", headers=self._headers(request), **more)
            except httpx.TransportError:
                raise ToolError(
                    f"the service at {self.url} does not answer: check its address, or try again later"
                ) from None
        told = answer.json() if "json" in answer.headers.get("content-type", "") else None
        if answer.is_success and told is not None:
            return told
        problem = told if isinstance(told, dict) else {}
        raise ToolError(
            problem.get("detail") or f"{self.url} answered {answer.status_code}: is it a service of Maillage?"
        )

    def _transport(self, request: Request | None) -> httpx.AsyncBaseTransport | None:
        if self.app is None:
            return None
        # the caller's own address: reading without a key depends on it
        asking = request.client if request else None
        client = (asking.host, asking.port) if asking else ("127.0.0.1", 0)
        return httpx.ASGITransport(self.app, client=client, raise_app_exceptions=False)

    def _headers(self, request: Request | None) -> dict[str, str]:
        if request is None:
            return {"x-api-key": self.key} if self.key else {}
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        if self.app is None and not access.local(request) and request.client:
            headers.setdefault("x-forwarded-for", request.client.host)  # not to be taken for this machine
        return headers

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The life of the service in this process, if it is here."""
        if self.app is None:
            yield
            return
        async with self.app.router.lifespan_context(self.app):
            yield


def _asked(need: str | None, notice_id: str | None, notice: Any, **more: Any) -> dict[str, Any]:
    given = {"need": need, "notice_id": notice_id, "notice": notice, **more}
    return {name: value for name, value in given.items() if value not in (None, "")}


class Tools:
    """One method for each tool; its signature and docstring are what the assistant reads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find_structures_for_need(
        self,
        need: Need = None,
        notice_id: Id = None,
        notice: Notice = None,
        place: Place = "",
        n: Many = 5,
        kinds: Annotated[
            Sequence[str], Field(description="Only these: EI, ACI, AI, ETTI, EA, ESAT, GEIQ ...")
        ] = (),
        radius_km: Annotated[float | None, Field(ge=0, le=2000)] = None,
        lot: Annotated[str, Field(max_length=40, description="Only the lot of this number.")] = "",
        offset: From = 0,
    ) -> results.Result:
        """Structures that could answer a need or a notice, lot by lot, with reasons; says where there is none."""
        wishes = {"kinds": list(kinds), "radius_km": radius_km}
        body = _asked(need, notice_id, notice, place=place, n=n + offset, groups=0, filters=wishes)
        found = await self._api.ask("POST", "/match", json=body | ({"lots": [lot]} if lot else {}))
        answer = found.get("result", found)
        for each in answer["lots"]:
            each["matches"] = each["matches"][offset:]
        return results.of(found, place=place)

    async def explain_structure(
        self, siret: Siret, need: Need = None, notice_id: Id = None, notice: Notice = None, place: Place = ""
    ) -> results.Result:
        """Why a structure is in the list of a need or notice, or why it is not."""
        body = _asked(need, notice_id, notice, place=place, siret=siret)
        found = await self._api.ask("POST", "/explain", json=body)
        about = await self._api.ask("GET", "/notices/" + quote(notice_id, safe="")) if notice_id else None
        served = await self._api.ask("GET", "/health")
        return results.of(
            {"lots": found}, await self._structure(siret), about, versions=served["versions"], place=place
        )

    async def find_partners(
        self,
        siret: Siret,
        need: Need = None,
        notice_id: Id = None,
        notice: Notice = None,
        place: Place = "",
        n: Many = 5,
    ) -> results.Result:
        """Partners of a structure for a need or a notice: what it lacks, and who brings it.

        Of a need of several trades it lacks those that it does not do; of a notice it lacks parts of the lots that it can take,
        not the other lots.
        """
        body = _asked(need, notice_id, notice, place=place, siret=siret, n=n)
        found = await self._api.ask("POST", "/partners", json=body)
        return results.of(found, await self._structure(siret), place=place)

    async def propose_groups(
        self,
        need: Need = None,
        notice_id: Id = None,
        notice: Notice = None,
        place: Place = "",
        n: Annotated[int, Field(ge=1, le=10)] = 3,
        max_members: Annotated[int, Field(ge=1, le=12)] = 5,
    ) -> results.Result:
        """Groups of structures that cover together what none covers alone."""
        body = _asked(need, notice_id, notice, place=place, groups=n, max_members=max_members)
        return results.grouped(await self._api.ask("POST", "/consortium", json=body), place)

    async def search_structures(
        self,
        q: Annotated[str, Field(max_length=200, description="Words of the name, a town or a SIRET.")],
        n: Many = 10,
    ) -> results.Result:
        """Search structures by name, town or SIRET (by trade: use `find_structures_for_need`)."""
        found = await self._api.ask("GET", "/structures", params={"q": q, "limit": n})
        return results.of(found, nothing=results.NO_STRUCTURE)

    async def get_structure(self, siret: Siret) -> results.Result:
        """What is known of one structure: its offers with their sources and days, and what is missing."""
        return results.of(await self._structure(siret))

    async def _structure(self, siret: str) -> Any:
        return await self._api.ask("GET", f"/structures/{siret}")

    async def find_opportunities(self, siret: Siret, n: Many = 10, offset: From = 0) -> results.Result:
        """Lots of indexed notices that a structure could answer: alone, in a group, by the clause, or to watch."""
        path = f"/structures/{siret}/opportunities"
        found = await self._api.ask("GET", path, params={"limit": n, "offset": offset})
        for each in found["items"]:
            (each.get("match") or {}).pop("structure", None)  # it is the one that is asked about
        nothing = await self._nothing(found, results.NO_OPPORTUNITY)
        return results.of(found, await self._structure(siret), nothing=nothing)

    async def search_notices(
        self,
        q: Annotated[str, Field(max_length=200, description="Words of the title.")] = "",
        cpv: Annotated[str, Field(pattern=CPV, description="First digits of a CPV code.")] = "",
        department: Department = "",
        buyer: OfBuyer = "",
        open_on: OpenOn = None,
        n: Many = 10,
        offset: From = 0,
    ) -> results.Result:
        """Search the published notices that are indexed: by words, CPV code, department, buyer, deadline."""
        wishes = {"q": q, "cpv": cpv, "department": department, "buyer": buyer, "open_on": open_on}
        asked = {"limit": n, "offset": offset, **{name: str(wish) for name, wish in wishes.items() if wish}}
        found = await self._api.ask("GET", "/notices", params=asked)
        return results.of(found, nothing=await self._nothing(found))

    async def _nothing(self, found: Mapping[str, Any], else_: str = results.NOTHING) -> str:
        """What to do where no notice is listed: of a catalogue without any no filter is to be widened."""
        if found["total"]:
            return results.READ_OUT.format(found["total"])
        held = (await self._api.ask("GET", "/notices", params={"limit": 1}))["total"]
        return else_ if held else results.NO_NOTICES

    async def get_notice(self, notice_id: Annotated[str, Field(max_length=200)]) -> results.Result:
        """One notice: its lots with places, deadlines, who alone may answer, social clauses and criteria."""
        return results.of({"notice": await self._api.ask("GET", "/notices/" + quote(notice_id, safe=""))})

    async def find_insertion_hours(
        self, notice_id: Id = None, notice: Notice = None, n: Many = 5
    ) -> results.Result:
        """Firms that owe hours of insertion under a notice or an award, and the structures that could carry them."""
        found = await self._api.ask("POST", "/leads", json=_asked(None, notice_id, notice, n=n))
        return results.of(found, nothing=results.NO_HOURS)

    async def find_ending_contracts(
        self,
        siret: OfTrade = "",
        buyer: OfBuyer = "",
        department: Annotated[str, Field(pattern=r"^(\d{2,3}|2[AB])?$")] = "",
        n: Many = 10,
    ) -> results.Result:
        """Public contracts that end in 3 to 18 months, with their holders as published: time to source, or to form a group."""
        asked = {"siret": siret, "buyer": buyer, "department": department, "limit": n}
        return results.of(await self._api.ask("GET", "/renewals", params=asked), nothing=results.NO_CONTRACT)

    async def study_purchase(
        self,
        need: Annotated[str, Field(min_length=1, max_length=20_000)],
        place: Place = "",
        amount: Annotated[float | None, Field(gt=0, description="Euros, before tax, of the whole.")] = None,
        months: Annotated[float | None, Field(gt=0)] = None,
        buyer: Literal["state", "local", "entity"] = "local",
    ) -> results.Result:
        """Before a tender: who could answer, whether to reserve, allot or insert a clause, with articles to verify."""
        body = _asked(need, None, None, place=place, amount=amount, months=months, buyer=buyer)
        return results.of(await self._api.ask("POST", "/territory/potential", json=body), place=place)


def tools(of: Tools) -> Mapping[str, Any]:
    """Every public method of the tools, by its name."""
    # in the order written
    return {name: getattr(of, name) for name in vars(type(of)) if not name.startswith("_")}


async def _remember(ctx: Any, call_next: Any) -> Any:
    """Keep the HTTP request of a message, None over stdio, for the calls that it makes."""
    before = _caller.set(ctx.request)
    try:
        return await call_next(ctx)
    finally:
        _caller.reset(before)


def build(api: Api) -> MCPServer[Any]:
    """The server of every tool, all of them read-only.  Raises MissingExtra without the package `mcp`."""
    with plugins.optional("mcp", "serving tools to assistants"):
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError

    class Server(MCPServer[Any]):
        """A server whose refusals name the argument and the remedy."""

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            if name not in offered:
                raise ToolError(f"no tool {name!r}: choose one of {', '.join(offered)}")
            try:
                return await super().call_tool(name, arguments, context)
            except ToolError as error:
                if isinstance(error.__cause__, ValidationError):
                    raise ToolError(_remedy(error.__cause__, offered[name])) from None
                raise

    offered = {tool.name: tool for tool in _tools(api)}
    # the log of the SDK may quote a caller: warnings alone, and never an argument
    about: dict[str, Any] = {"title": "Maillage", "instructions": INSTRUCTIONS, "version": __version__}
    tools = list(offered.values())
    server = Server("maillage", **about, tools=tools, log_level="WARNING", middleware=[_remember])
    server.resource("maillage://structure/{siret}", mime_type=JSON)(_as_resource(offered["get_structure"].fn))
    server.resource("maillage://notice/{notice_id}", mime_type=JSON)(_as_resource(offered["get_notice"].fn))
    for prompt in (acheteur, structure, facilitateur):
        server.prompt()(prompt)
    return server


JSON = "application/json"


def acheteur(besoin: str, lieu: str) -> str:
    """Acheteur : qui appeler pour un besoin, et comment l'ouvrir à l'économie sociale et solidaire."""
    return (
        f"Je suis acheteur public. Besoin : {besoin}. Lieu : {lieu}. Avec find_structures_for_need, dites-moi qui appeler et pourquoi, "
        "ou qu'il n'y a personne ; puis, avec study_purchase, s'il faut réserver, allotir ou insérer une clause, et quels articles vérifier."
    )


def structure(siret: str) -> str:
    """Structure : les marchés auxquels répondre, seule ou à plusieurs."""
    return (
        f"Nous sommes la structure {siret}. Avec find_opportunities, quels avis pouvons-nous servir, et jusqu'à quand ? Pour le plus proche, "
        "find_partners : que nous manque-t-il, et qui l'apporte ? Donnez les raisons, et ce qui reste inconnu."
    )


def facilitateur(departement: str) -> str:
    """Facilitateur : les avis et les contrats qui finissent d'un département, et qui pourrait y répondre."""
    return (
        f"Je suis facilitateur dans le département {departement}. Avec search_notices et find_ending_contracts, quels besoins sont ouverts "
        "ou à venir ? Pour les trois premiers, find_structures_for_need : qui appeler, et où n'y a-t-il personne ?"
    )


def _tools(api: Api) -> Iterator[Any]:
    """Each tool; an argument that it does not have is an error, not a search without it."""
    from mcp.server.mcpserver.tools import Tool
    from mcp.types import ToolAnnotations

    for name, method in tools(Tools(api)).items():
        hints = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        # one text: a host that hands on structured content as well would say everything twice
        tool = Tool.from_function(_as_text(method), name=name, annotations=hints, structured_output=False)
        arguments = tool.fn_metadata.arg_model
        arguments.model_config["extra"] = "forbid"
        arguments.model_rebuild(force=True)
        tool.parameters = arguments.model_json_schema(by_alias=True)
        yield tool


def _as_text(method: Any) -> Any:
    @wraps(method)
    async def told(**arguments: Any) -> str:
        return results.text_of(await method(**arguments), arguments.keys())

    return told


def _as_resource(method: Any) -> Any:
    """A tool as a resource: of an unknown id it says the tool's own sentence, not that of the SDK."""
    from mcp.server.mcpserver.exceptions import ResourceError, ToolError

    @wraps(method)
    async def read(**arguments: Any) -> str:
        try:
            return str(await method(**arguments))
        except ToolError as error:
            raise ResourceError(str(error)) from None

    return read


def _remedy(error: ValidationError, tool: Any) -> str:
    """One sentence for the arguments that do not fit; what was given is not repeated."""
    known = ", ".join(tool.parameters["properties"])
    told = {
        f"no argument {each['loc'][0]!r}: {tool.name} takes {known}"
        if each["type"] == "extra_forbidden"
        else f"{each['loc'][0]}: {why(each).replace('/v1/structures gives', 'search_structures finds')}"
        for each in error.errors()
    }
    return "; ".join(sorted(told))
