"""What a structure says of itself is in the next catalogue, dated; what it denies never comes back."""

from dataclasses import replace
from pathlib import Path

import pytest
from pytest import MonkeyPatch
from typer.testing import CliRunner

import made
from matcher.catalogue import denials
from matcher.catalogue.files import save_catalogue
from matcher.cli import build
from matcher.domain import Award, BadInput, Buyer, Filters, Holder, Lot, Offer, Place, Structure, Tender
from matcher.learned import asks
from matcher.matching.engine import Matcher
from matcher.partners.opportunities import opportunities
from matcher.reading.need import free_text_tender
from matcher.records import feedback, self_declared
from matcher.records.store import Store, now
from matcher.records.tables import Profile

SIRET, OTHER, FIRM = "00010001600013", "00010073500018", "00010099900010"
PANTIN = Place(commune="93055", postcode="93500", label="Pantin")


def structure(siret: str, name: str, *offers: Offer, **more: object) -> Structure:
    return made.structure(siret, name, place=PANTIN, offers=offers, source="annuaire", **more)


NAF = {"text": "lavage de linge plat", "inferred": True, "evidence": "blanchisserie industrielle (NAF)"}
SAID = (Offer(id="a", title="Entretien d'espaces verts"), Offer(id="b", title="Blanchisserie", **NAF))
GARDENS = structure(SIRET, "Les Allées", *SAID)
LAUNDRY = structure(OTHER, "Au Linge Clair", Offer(id="c", title="Blanchisserie et repassage"))
LOTS = (
    Lot(id="1", number="1", title="Blanchisserie du linge", cpv=("98310000",), places=(PANTIN,)),
    Lot(id="2", number="2", title="Entretien des espaces verts", cpv=("77310000",), places=(PANTIN,)),
)
NOTICE = Tender(id="n1", format="need", title="Services", lots=LOTS, buyer=Buyer(name="Ville"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: MonkeyPatch) -> Store:
    monkeypatch.setenv("MATCHER_STORE", f"sqlite:///{tmp_path / 's.sqlite'}")
    with Store.open() as opened:
        yield opened


def say(store: Store, siret: str, *denied: str, **facts: object) -> None:
    with store.writing() as connection:
        if facts:
            row = {"siret": siret, "facts": facts, "by": "t", "at": now()}
            store.put(connection, Profile, [row])
        for skill in denied:
            feedback.deny(store, siret, skill)


def matcher(structures: list[Structure], awards: list[Award] | None = None) -> Matcher:
    return made.matcher_over(structures, awards or ())


def names(found: Matcher, words: str, **more: object) -> list[str]:
    answer = found.match(free_text_tender(words, PANTIN), 10, groups=0, **more)  # type: ignore[arg-type]
    return [m.structure.siret for m in answer.lots[0].matches]


def ranked(found: Matcher, words: str) -> list[str]:
    """SIRETs of all that are compared, shown or not."""
    ranking = found.rank(found.queries(free_text_tender(words, PANTIN))[0])
    sirets = found.catalogue.of_structure("siret")
    return [str(sirets[ranking.shortlist.candidates[i]]) for i in ranking.order]


def test_declared_offers_and_contacts_are_in_the_next_catalogue_with_their_day(store: Store) -> None:
    offer = {"title": "Mise sous pli", "text": "routage", "since": "2026-02-03"}
    offer["evidence"] = "nous assurons la mise sous pli"
    facts = {"phone": "01 99 00 00 01", "zone": {"radius_km": 30.0}, "turnover": 250000.0}
    say(store, SIRET, **facts, offers=[offer])
    listed, sentence = self_declared.overlay_from_store([GARDENS, LAUNDRY])
    assert "1 structure taken from the store" in sentence
    made = matcher(listed)
    assert names(made, "mise sous pli de courriers")[0] == SIRET
    kept = made.catalogue.structure(made.catalogue.row(SIRET))
    own = next(o for o in kept.offers if o.title == "Mise sous pli")
    assert (own.source, own.since.isoformat(), own.inferred) == (self_declared.SOURCE, "2026-02-03", False)
    assert kept.phone == "01 99 00 00 01" and self_declared.SOURCE in kept.provenance["phone"]
    assert kept.zone is not None and kept.zone.radius_km == 30 and kept.turnover == 250000
    # the same words give the same catalogue
    assert self_declared.overlay_from_store([GARDENS, LAUNDRY])[0] == listed


def test_a_denied_trade_never_comes_back(store: Store, tmp_path: Path) -> None:
    before = matcher([GARDENS, LAUNDRY])
    assert SIRET in names(before, "blanchisserie")
    say(store, SIRET, "trade:blanchisserie")
    listed, _ = self_declared.overlay_from_store([GARDENS, LAUNDRY])
    made = matcher(listed)
    save_catalogue(made.catalogue, tmp_path / "c")
    loaded = Matcher.load(tmp_path / "c")
    for after in (made, loaded):
        assert names(after, "blanchisserie") == [OTHER]
        assert names(after, "blanchisserie", filters=Filters(sirets=(SIRET,))) == []
        assert SIRET in names(after, "entretien d'espaces verts")
        kept = after.catalogue.structure(after.catalogue.row(SIRET))
        assert [o.title for o in kept.offers] == ["Entretien d'espaces verts"]  # the inferred skill is gone
        assert {o.lot.id for o in opportunities(after, kept, [NOTICE])} == {"2"}
        assert [why.state for why in after.why(SIRET, NOTICE)] == ["denied", "ranked"]
    # a later list that says it again changes nothing
    more = replace(GARDENS, offers=(*GARDENS.offers, Offer(id="z", title="Blanchisserie")))
    again, _ = self_declared.overlay_from_store([more])
    assert names(matcher([*again, LAUNDRY]), "blanchisserie") == [OTHER]


def test_a_denied_offer_is_gone_and_a_lot_of_several_trades_stays(store: Store) -> None:
    assert denials.skill("blanchisserie") == "trade:blanchisserie" and denials.skill("cpv:983") == "cpv:983"
    with pytest.raises(BadInput, match="no known trade"):
        denials.skill("zzz")
    say(store, SIRET, "offer:a")
    listed, _ = self_declared.overlay_from_store([GARDENS])
    assert [o.id for o in listed[0].offers] == ["b"]
    both = Lot(id="x", title="Espaces verts et blanchisserie")
    only = replace(both, title="Blanchisserie")
    assert not denials.refuses(("trade:blanchisserie",), both, asks.of_lot(both).trades)
    assert denials.refuses(("trade:blanchisserie",), only, asks.of_lot(only).trades)


def test_a_firm_known_by_its_awards_alone_may_speak(store: Store) -> None:
    firm = Holder(id=FIRM, name="Lavage SA")
    award = Award(uid="m1", title="Blanchisserie du linge", holders=(firm,), cpv="98310000")
    say(store, FIRM, "trade:blanchisserie")
    listed, _ = self_declared.overlay_from_store([LAUNDRY], [award])
    assert FIRM not in ranked(matcher(listed, [award]), "blanchisserie")
    assert FIRM in ranked(matcher([LAUNDRY], [award]), "blanchisserie")
    # a partner, not a structure to propose
    assert names(matcher([LAUNDRY], [award]), "blanchisserie") == [LAUNDRY.siret]


def test_index_and_its_update_read_what_was_declared(store: Store, tmp_path: Path) -> None:
    sample, out = str(Path(__file__).parents[2] / "data" / "sample"), str(tmp_path / "c")
    run = CliRunner()
    say(store, SIRET, offers=[{"title": "Dressage de hiboux"}])
    done = run.invoke(build(), ["index", sample, "--out", out, "--recipe", "lexical"])
    assert done.exit_code == 0 and "taken from the store as described there" in done.stderr, done.output
    assert names(Matcher.load(tmp_path / "c"), "dressage de hiboux")[0] == SIRET
    words = "réparation de parapluies en osier"
    say(store, SIRET, "trade:blanchisserie", offers=[{"title": words}])
    for _ in range(2):  # told twice, taken once
        done = run.invoke(build(), ["index", "--update", "--out", out, "--recipe", "lexical"])
        assert done.exit_code == 0, done.output
    after = Matcher.load(tmp_path / "c")
    assert names(after, words)[0] == SIRET
    kept = after.catalogue.structure(after.catalogue.row(SIRET))
    assert sum(o.title == words for o in kept.offers) == 1 and kept.denied == ("trade:blanchisserie",)
    # its own words taken back
    feedback.allow(store, SIRET, "trade:blanchisserie")
    self_declared.write(store, SIRET, {"offers": []}, "t")
    assert run.invoke(build(), ["index", "--update", "--out", out, "--recipe", "lexical"]).exit_code == 0
    last = Matcher.load(tmp_path / "c").catalogue
    kept = last.structure(last.row(SIRET))
    assert kept.denied == () and not any(o.title == words for o in kept.offers)
    assert run.invoke(build(), ["index", "--out", out]).exit_code != 0
