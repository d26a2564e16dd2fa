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
from inspect import Parameter, Signature, signature
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Unpack, get_args, get_type_hints
from urllib.parse import quote

import httpx
from anyio import to_thread
from pydantic import BeforeValidator, Field, ValidationError

from matcher import plugins
from matcher.domain import __version__
from matcher.reference.identifiers import IDENTITY
from service import access
from service.assistant import results
from service.handlers import why
from service.schemas import CPV, DEPARTMENT

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mcp.server import MCPServer
    from starlette.requests import Request

#: Headers that authenticate the caller: passed to the API unchanged.
FORWARDED = ("authorization", "x-api-key", "x-forwarded-for", "forwarded")
LOADING = 120.0  # seconds for models and catalogue to load, at most
ASKED = 3  # of those to be asked for a lot, told by name
_caller: ContextVar[Request | None] = ContextVar("caller", default=None)

Id = Annotated[str | None, Field(description="The id of an indexed notice, as `search_notices` gives it.")]
Notice = Annotated[
    # the SDK parses a text that is JSON before it is checked: the object is what is then given
    str | dict[str, Any] | list[Any] | None,
    Field(description="A notice as published, XML or JSON: BOAMP, eForms, TED or DECP."),
]
Place = Annotated[
    str,
    Field(
        description="Commune, postcode, department: ask the user where it is unknown. Of a notice: in place of its own."
    ),
]
_Close = BeforeValidator(lambda text: re.sub(r"\s", "", text) if isinstance(text, str) else text)
Siret = Annotated[
    str, _Close, Field(pattern=rf"^(?:{IDENTITY})$", description="SIRET, 14 digits; else another identity.")
]
Department = Annotated[str, Field(pattern=DEPARTMENT, description="Where the work is: a number.")]
OpenOn = Annotated[date | None, Field(description="Those that can still be answered on this day.")]
OfTrade = Annotated[
    str, _Close, Field(pattern=r"^([0-9]{14})?$", description="Keep those of the trade of this structure.")
]
OneLot = Annotated[str, Field(max_length=200, description="Only this lot, by its number; by default all.")]
OfBuyer = Annotated[str, Field(max_length=200, description="SIREN, SIRET or words of the name.")]
Many = Annotated[int, Field(ge=1, le=50)]
From = Annotated[int, Field(ge=0, le=150, description="Leave out the first ones, already read.")]


class Asked(TypedDict, total=False):
    """What is asked about, each of it optional: a tool lists these before its own arguments."""

    need: Annotated[
        str | None,
        Field(
            None,
            description="What is to be done, in French: translate it, and leave out who and where (place). One of need, notice_id, notice.",
        ),
    ]
    notice_id: Annotated[Id, Field(None)]
    notice: Annotated[Notice, Field(None)]
    place: Annotated[Place, Field("")]
    lot: Annotated[OneLot, Field("")]
    offset: Annotated[From, Field(0)]


class Api:
    """The API as the tools ask it: in this process, or at an address."""

    def __init__(self, app: FastAPI | None = None, url: str = "", key: str = "") -> None:
        self.app, self.url, self.key = app, url.rstrip("/") or "http://127.0.0.1", key
        self._loads: Event | None = None

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """The JSON of an answer.  Raises ToolError with the sentence of the problem."""
        with plugins.optional("mcp", "serving tools to assistants"):
            from mcp.server.mcpserver.exceptions import ToolError
        request = _caller.get()
        await self.ready()  # what still loads takes nothing of the time of the first question
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

    async def ready(self) -> None:
        """Wait until the catalogue of this process is loaded, if it is here."""
        if self._loads is not None:
            await to_thread.run_sync(self._loads.wait, LOADING)

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
        # who calls from elsewhere is not to be taken for this machine, of which the service is asked
        if self.app is None and request.client and not access.loopback(request.client.host):
            headers.setdefault("x-forwarded-for", request.client.host)
        return headers

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The life of the service in this process, if it is here."""
        if self.app is None:
            yield
            return
        async with self.app.router.lifespan_context(self.app):
            self._loads = self.app.state.warmed
            yield


def _asked(asked: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The fields of a request: what is asked about and `more`; the routes call a lot and a page each otherwise."""
    given = {**asked, "lot": "", "offset": "", **more}
    return {name: value for name, value in given.items() if value not in (None, "", [""])}


class Tools:
    """One method for each tool; its signature and docstring are what the assistant reads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def find_structures_for_need(
        self,
        n: Many = 5,
        kinds: Annotated[
            Sequence[str], Field(description="Only these: EI, ACI, AI, ETTI, EA, ESAT, GEIQ ...")
        ] = (),
        radius_km: Annotated[float | None, Field(ge=0, le=2000)] = None,
        **asked: Unpack[Asked],
    ) -> results.Result:
        """Structures that could answer a need or a notice, lot by lot, with reasons; says where there is none."""
        wishes = {"kinds": list(kinds), "radius_km": radius_km}
        n += asked.get("offset", 0)
        body = _asked(asked, n=n, groups=0, filters=wishes, lots=[asked.get("lot", "")])
        answer = await self._api.ask("POST", "/match", json=body)
        for each in answer["lots"]:
            each["by_clause"] = [{"structure": match["structure"]} for match in each["by_clause"]]
            each["asking"] = [await self._structure(siret) for siret in each["asking"][:ASKED]]
        hint = results.which(answer)
        return results.of(answer, hint=hint, asked={**asked, **wishes})

    async def explain_structure(self, siret: Siret, **asked: Unpack[Asked]) -> results.Result:
        """Why a structure is in the list of a need or notice, or why it is not."""
        body = _asked(asked, siret=siret, lots=[asked.get("lot", "")])
        answer = {"lots": await self._api.ask("POST", "/explain", json=body)}
        for each in answer["lots"]:
            (each["match"] or {}).pop("structure", None)
        if notice_id := asked.get("notice_id"):
            answer["notice"] = await self._notice(notice_id)
        return results.of(answer, await self._structure(siret), asked=asked)

    async def find_partners(self, siret: Siret, n: Many = 5, **asked: Unpack[Asked]) -> results.Result:
        """Partners of a structure for a need or a notice: what it lacks, and who brings it.

        A need of several trades is one contract here, in parts, of which it lacks what it does not do; `lot` asks for one of
        the lots that `find_structures_for_need` makes of it. Of a notice it lacks parts of the lots that it can take.
        """
        body = _asked(asked, siret=siret, n=n + asked.get("offset", 0), lot=asked.get("lot"))
        answer = await self._api.ask("POST", "/partners", json=body)
        hint = results.TEXTS["not_lacking"] if answer["alone"] and not answer["lacking"] else ""
        return results.of(answer, await self._structure(siret), hint=hint, asked=asked)

    async def propose_groups(
        self,
        n: Annotated[int, Field(ge=1, le=10)] = 3,
        max_members: Annotated[int, Field(ge=1, le=12)] = 5,
        **asked: Unpack[Asked],
    ) -> results.Result:
        """Groups of structures that cover together what none covers alone."""
        groups = min(n + asked.get("offset", 0), 10)
        body = _asked(asked, groups=groups, max_members=max_members, lots=[asked.get("lot", "")])
        answer = await self._api.ask("POST", "/consortium", json=body)
        for each in answer["lots"]:  # `find_structures_for_need` gives them
            each["matches"] = each["by_clause"] = each["asking"] = []
        return results.of(answer, asked=asked)

    async def search_structures(
        self,
        q: Annotated[str, Field(max_length=200, description="Words of the name, a town or a SIRET.")],
        n: Many = 10,
        offset: From = 0,
    ) -> results.Result:
        """Search structures by name, town or SIRET (by trade: use `find_structures_for_need`)."""
        found = await self._api.ask("GET", "/structures", params={"q": q, "limit": n, "offset": offset})
        return results.of(found, hint="" if found["total"] else results.TEXTS["no_structure"])

    async def get_structure(self, siret: Siret) -> results.Result:
        """What is known of one structure: its offers with their sources and days, and what is missing."""
        return results.of(await self._structure(siret), whole=True)

    async def _structure(self, siret: str) -> Any:
        return await self._api.ask("GET", f"/structures/{siret}")

    async def find_opportunities(self, siret: Siret, n: Many = 10, offset: From = 0) -> results.Result:
        """Lots of indexed notices that a structure could answer: alone, in a group, by the clause, or to watch."""
        path = f"/structures/{siret}/opportunities"
        found = await self._api.ask("GET", path, params={"limit": n, "offset": offset})
        told: set[str] = set()
        for item in found["items"]:
            match = item.pop("match")
            item |= {name: match[name] for name in ("probability", "distance_km")}
            if (notice := item["notice"]["id"]) in told:
                item["notice"] = {"id": notice}  # of its other lots
            told.add(notice)
        hint = await self._nothing(found, results.TEXTS["no_opportunity"])
        return results.of(found, await self._structure(siret), hint=hint)

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
        wishes["once"] = "true"  # whatever sources publish it
        asked = {"limit": n, "offset": offset, **{name: str(wish) for name, wish in wishes.items() if wish}}
        found = await self._api.ask("GET", "/notices", params=asked)
        return results.of(found, hint=await self._nothing(found))

    async def _nothing(self, found: Mapping[str, Any], hint: str = results.TEXTS["nothing"]) -> str:
        """What to do where no notice is listed: of a catalogue without any no filter is to be widened."""
        if found["total"]:
            return ""
        held = (await self._api.ask("GET", "/notices", params={"limit": 1}))["total"]
        return hint if held else results.TEXTS["no_notices"]

    async def get_notice(
        self, notice_id: Annotated[str, Field(max_length=200)], offset: From = 0
    ) -> results.Result:
        """One notice: its lots with places, deadlines, who alone may answer, social clauses and criteria."""
        asked = {"notice_id": notice_id}
        return results.of({"notice": await self._notice(notice_id)}, asked=asked, whole=True)

    async def _notice(self, notice_id: str) -> Any:
        return await self._api.ask("GET", "/notices/" + quote(notice_id, safe=""))

    async def find_insertion_hours(
        self, notice_id: Id = None, notice: Notice = None, n: Many = 5, lot: OneLot = "", offset: From = 0
    ) -> results.Result:
        """Firms that owe hours of insertion under a notice or an award, and the structures that could carry them."""
        asked = {"notice_id": notice_id, "notice": notice}
        found = await self._api.ask("POST", "/leads", json=_asked(asked, n=n, lot=lot))
        warnings = {rule["text"]: rule for lead in found["leads"] for rule in lead.pop("warnings")}
        found |= {"notice": found.pop("notices")[0], "warnings": [*warnings.values()]}
        return results.of(found, hint="" if found["leads"] else results.TEXTS["no_hours"], asked=asked)

    async def find_ending_contracts(
        self,
        siret: OfTrade = "",
        buyer: OfBuyer = "",
        department: Department = "",
        n: Many = 10,
        offset: From = 0,
    ) -> results.Result:
        """Public contracts that end in 3 to 18 months, with their holders as published: time to source, or to form a group."""
        asked = {"siret": siret, "buyer": buyer, "department": department, "limit": n, "offset": offset}
        found = await self._api.ask("GET", "/renewals", params=asked)
        held = found["total"] or (await self._api.ask("GET", "/renewals", params={"limit": 1}))["total"]
        return results.of(
            found, hint="" if found["total"] else results.TEXTS["no_contract" if held else "no_contracts"]
        )

    async def study_purchase(
        self,
        need: Annotated[str, Field(min_length=1, max_length=20_000)],
        place: Place = "",
        amount: Annotated[float | None, Field(gt=0, description="Euros, before tax, of the whole.")] = None,
        months: Annotated[float | None, Field(gt=0)] = None,
        buyer: Literal["state", "local", "entity"] = "local",
        n: Many = 5,
        offset: From = 0,
    ) -> results.Result:
        """Before a tender: who could answer, whether to reserve, allot or insert a clause, with articles to verify.

        The need is one purchase here, of its amount and months: who answers (`count`, and `first`, page by page) may differ from
        `find_structures_for_need`, which makes lots of it and knows no amount.
        """
        known = {"amount": amount, "months": months, "buyer": buyer, "n": n + offset}
        body = _asked({"need": need, "place": place}, **known)
        found = await self._api.ask("POST", "/territory/potential", json=body)
        for each in found["result"]["lots"]:
            if each["advised"]["first"]["code"] == "none":
                del each["advised"]["refused"]  # its reasons are the refusals
        read = found["result"]["lots"][0]["lot"].get("duration_months")
        how_long = results.TEXTS["read_months"].format(read) if read else results.TEXTS["how_long"]
        return results.of(found, hint="" if months else how_long, asked=body)


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
        from mcp import MCPError
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import INVALID_PARAMS

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

        async def get_prompt(self, name: str, arguments: Any = None, context: Any = None) -> Any:
            try:
                return await super().get_prompt(name, arguments, context)
            except ValueError as error:  # of which the SDK would log the traceback
                raise MCPError(INVALID_PARAMS, str(error)) from None

    offered = {tool.name: tool for tool in _tools(api)}
    # the log of the SDK may quote a caller: warnings alone, and never an argument
    about: dict[str, Any] = {
        "title": "Maillage",
        "instructions": results.TEXTS["instructions"],
        "version": __version__,
    }
    tools = list(offered.values())
    server = Server("maillage", **about, tools=tools, log_level="WARNING", middleware=[_remember])
    server.resource("maillage://structure/{siret}", mime_type=JSON)(_as_resource(offered["get_structure"].fn))
    server.resource("maillage://notice/{notice_id}{?offset}", mime_type=JSON)(
        _as_resource(offered["get_notice"].fn)
    )
    for prompt in (acheteur, structure, facilitateur):
        server.prompt()(prompt)
    return server


JSON = "application/json"


def acheteur(besoin: str, lieu: str) -> str:
    """Acheteur : qui appeler pour un besoin, et comment l'ouvrir à l'économie sociale et solidaire."""
    return results.TEXTS["prompt_acheteur"].format(besoin=besoin, lieu=lieu)


def structure(siret: str) -> str:
    """Structure : les marchés auxquels répondre, seule ou à plusieurs."""
    return results.TEXTS["prompt_structure"].format(siret=siret)


def facilitateur(departement: str) -> str:
    """Facilitateur : les avis et les contrats qui finissent d'un département, et qui pourrait y répondre."""
    return results.TEXTS["prompt_facilitateur"].format(departement=departement)


def _tools(api: Api) -> Iterator[Any]:
    """Each tool; an argument that it does not have is an error, not a search without it."""
    from mcp.server.mcpserver.tools import Tool
    from mcp.types import ToolAnnotations

    for name in (each for each in vars(Tools) if not each.startswith("_")):  # in the order written
        method = getattr(Tools(api), name)
        hints = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        # one text: a host that hands on structured content as well would say everything twice
        tool = Tool.from_function(_as_text(method), name=name, annotations=hints, structured_output=False)
        arguments = tool.fn_metadata.arg_model
        arguments.model_config["extra"] = "forbid"
        arguments.model_rebuild(force=True)
        tool.parameters = arguments.model_json_schema(by_alias=True)
        yield tool


def _as_text(method: Any) -> Any:
    own = [*signature(method, eval_str=True).parameters.values()]
    if own[-1].kind is Parameter.VAR_KEYWORD:
        shared = get_type_hints(Asked, include_extras=True).items()
        own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own[:-1]]
        own = [*(Parameter(name, Parameter.KEYWORD_ONLY, annotation=hint) for name, hint in shared), *own]
    accepted = Signature(own)

    @wraps(method)
    async def told(**arguments: Any) -> str:
        return results.text_of(await method(**arguments), accepted.parameters, arguments.get("offset", 0))

    told.__signature__ = accepted  # type: ignore[attr-defined]
    return told


def _as_resource(method: Any) -> Any:
    """A tool as a resource: of an id that is unknown or none it says the tool's own sentence, not that of the SDK."""
    from mcp.server.mcpserver.exceptions import ResourceError, ToolError

    shape = signature(method)
    # the API says what is wrong with an id, the SDK only that something is
    plain = [one.replace(annotation=get_args(one.annotation)[0]) for one in shape.parameters.values()]

    @wraps(method)
    async def read(**arguments: Any) -> str:
        try:
            return str(await method(**arguments))
        except ToolError as error:
            raise ResourceError(str(error)) from None

    read.__signature__ = shape.replace(parameters=plain)  # type: ignore[attr-defined]
    read.__annotations__ = {one.name: one.annotation for one in plain}
    return read


def _remedy(error: ValidationError, tool: Any) -> str:
    """One sentence for the arguments that do not fit; what was given is not repeated."""
    known = ", ".join(tool.parameters["properties"])
    told = {
        f"no argument {each['loc'][0]!r}: {tool.name} takes {known}"
        if each["type"] == "extra_forbidden"
        else f"{each['loc'][0]}: {why(each)}"
        for each in error.errors()
    }
    return "; ".join(sorted(told))
