"""The page for a reserved lot that got no answer: whom to call, what to change; it says so where no lot is reserved."""

from __future__ import annotations

from pages_client import PagesClient, reference


def test_a_reserved_lot_leads_to_whom_to_call_and_what_to_change(page: PagesClient) -> None:
    kept = reference(
        page, need="tonte et taille de haies, marché réservé aux ESAT et EA (L2113-12)", place="Pantin"
    )
    shown = page.get(f"/acheteur/r/{kept}").text
    assert "/acheteur/relance?de=" in shown
    told = page.get(f"/acheteur/relance?de={kept}")
    assert told.status_code == 200
    for heading in ("À appeler", "À changer dans le lot"):
        assert heading in told.text
    assert "/acheteur/structure/" in told.text


def test_no_reserved_lot_is_said_to_be_none(page: PagesClient) -> None:
    kept = reference(page, need="tonte et taille de haies", place="Pantin")
    assert "/acheteur/relance?de=" not in page.get(f"/acheteur/r/{kept}").text
    assert page.get(f"/acheteur/relance?de={kept}").status_code == 404
