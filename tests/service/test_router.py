"""A route of the API is analysed once, when its router is first asked; it answers and is described as any other."""

from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from service.router import Router


class Thing(BaseModel):
    name: str
    size: int = 1


def application(router: APIRouter) -> FastAPI:
    @router.get("/things/{number}", summary="One thing", response_model=Thing)
    def one(number: int, size: int = 2) -> Thing:
        """By its number."""
        return Thing(name=str(number), size=size)

    @router.post("/things", status_code=201)
    def another(thing: Thing) -> Thing:
        return thing

    app = FastAPI()
    app.include_router(router, prefix="/v1", tags=["things"])
    return app


def test_it_answers_and_is_described_as_any_other() -> None:
    router = Router()
    app = application(router)
    assert all("dependant" not in vars(route) for route in router.routes)
    with TestClient(app) as client:
        assert client.get("/v1/things/3", params={"size": 4}).json() == {"name": "3", "size": 4}
        assert client.get("/v1/things/three").status_code == 422
        assert client.post("/v1/things", json={"name": "a"}).status_code == 201
        assert client.post("/v1/things", json={"size": "a"}).status_code == 422
        assert client.delete("/v1/things").status_code == 405
    assert all("dependant" not in vars(route) for route in router.routes)
    assert app.openapi() == application(APIRouter()).openapi()


def test_whoever_asks_more_of_a_route_finds_it_analysed() -> None:
    router = Router()
    application(router)
    first = router.routes[0]
    assert first.path_regex.match("/things/3") and first.methods == {"GET"}  # type: ignore[attr-defined]
