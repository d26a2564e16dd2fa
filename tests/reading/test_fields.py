"""Fields of a notice that only its words tell: renewals, maxima, dates, limits on lots, criteria, agents, places."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.reading.test_clauses_of_notices import described, ted

from matcher import codec
from matcher.domain import Buyer, Criterion, Lot, Place, Tender
from matcher.reading import clauses, terms
from matcher.reading.sources import _facts as facts
from matcher.reference import toponyms
from records import cases, tupled


def completed(text: str, **fields: Any) -> Lot:
    """The lot of a notice with this text and these fields."""
    lot = Lot(id="1", title="Tonte", description=text, **fields)
    return clauses.complete(Tender(id="t", format="x", title="Tonte", lots=(lot,))).lots[0]


@pytest.mark.parametrize(("text", "fields", "renewed"), tupled("renewals"))
def test_renewals_have_number_and_length(text: str, fields: dict[str, Any], renewed: tuple[Any, ...]) -> None:
    lot = completed(text, **fields)
    assert (lot.duration_months, lot.renewals, lot.renewal_months) == renewed
    if "duration_months" in fields and renewed[1]:  # stated, and of each of several lots
        lots = tuple(Lot(id=f"t/{n}", title="Tonte", **fields) for n in (1, 2))
        several = clauses.complete(Tender(id="t", format="x", title="Tonte", lots=lots), text).lots
        assert [(one.duration_months, one.renewals, one.renewal_months) for one in several] == [renewed] * 2
        assert "duration_months" not in lot.inferred


@pytest.mark.parametrize(("text", "fields", "told"), cases("fields that a text tells"))
def test_what_a_text_tells_of_amounts(text: str, fields: dict[str, Any], told: dict[str, Any]) -> None:
    """A maximum is of the whole duration; an estimate is the upper end of a range, or the sum of its parts."""
    found = codec.to_json(completed(text, **fields))
    assert {name: found[name] for name in told} == told


@pytest.mark.parametrize(("text", "most"), cases("limits on lots"))
def test_a_limit_on_the_lots_of_one_winner_is_read(text: str, most: int | None) -> None:
    lots = tuple(Lot(id=str(n), title=f"Lot {n}", number=str(n)) for n in (1, 2, 3, 4))
    made = clauses.complete(Tender(id="t", format="x", title="Travaux", lots=lots), text)
    assert made.lots_per_winner == most
    limits = {one.label for lot in made.lots for one in lot.conditions if one.code == "lots-limit"}
    assert len(limits) == (most is not None)


def test_a_turnover_asked_as_a_multiple_is_of_the_amount_that_is_stated() -> None:
    text = "Le chiffre d'affaires annuel doit être au moins égal à 2 fois le montant estimé du marché."
    assert terms.turnover(text, 60_000.0) == 120_000.0 and terms.turnover(text) is None
    for text, euros in (
        ("Chiffre d'affaires moyen sur les 3 derniers exercices > à 270 000 EUR", 270_000.0),
        ("Pour ce lot, un chiffre d'affaires annuel de 1,25 M€ au minimum", 1_250_000.0),
        ("Un chiffre d'affaires minimum de 6 M€ sur les 3 derniers exercices", None),
        ("Un chiffre d'affaires supérieur à 900 000 EUR sur les 3 derniers exercices cumulés", 300_000.0),
    ):
        assert terms.turnover(text) == euros
    for text, euros in (
        ("Le groupement présentera impérativement un chiffre d'affaires moyen\ndes 3 dernières années (2024, 2025, 2026)"
         " supérieur ou égal à 700 000,00 euros HT (840 000,00 euros TTC). Une caution de 50 000 € est due.", 700_000.0),
        ("Sous un seuil de 160 000 EUR TTC (moyenne des chiffres d'affaires), le niveau est jugé insuffisant.", 160_000.0),
        ("Chiffre d'affaires : niveau minimum de capacité financière : 90000 EUR.", 90_000.0),
        ("Le chiffre d'affaires exigé, cumulé par les cotraitants, n'est pas inférieur à 90 000 EUR.", 90_000.0),
        ("Le chiffre d'affaires du service s'est élevé à 160 000 EUR.", None),
        ("Avoir un terminal de 55 000 remorques et un CA supérieur à 300 000 EUR/an.", 300_000.0),
    ):  # fmt: skip
        assert terms.turnover(terms.requiring_turnover(text)) == euros
    in_brackets = "Justifier d'un CA annuel de 90 000 (lot 1) et 150 000 (lot 2)."
    headed = "Lot 1 :\n- être assuré,\n- un CA annuel de 90 000 €.\nLot 2 :\n- un CA annuel de 150 000 €."
    assert terms.turnovers(in_brackets) == terms.turnovers(headed) == {"1": 90_000.0, "2": 150_000.0}
    by_lot = "Chiffre d'affaires exigé : lot n° 1 : 90 000 € HT ; lot n° 02 : 150 000 € HT."
    both = "Un chiffre d'affaires de 90 000 EUR HT pour le lot 1 (tri). Pour chacun des lots 2B à 4B : 1,2 million d'EUR."
    assert terms.turnovers(both) == {"1": 90_000.0, **dict.fromkeys(("2b", "3b", "4b"), 1_200_000.0)}
    joined = "Le chiffre d'affaires exigé au lot 1 « tri » et au lot 2 « vente » est de 90 000 EUR."
    assert terms.turnovers(joined) == {"1": 90_000.0, "2": 90_000.0}
    assert terms.turnovers(by_lot) == {"1": 90_000.0, "2": 150_000.0} and terms.turnover(by_lot) is None


def test_the_only_lot_of_many_that_a_notice_is_about_is_named() -> None:
    text = "La présente consultation ne concerne que le lot 4 : peinture des façades."
    school = Tender(id="t", format="x", title="École", lots=(Lot(id="1", title="École"),))
    made = clauses.complete(school, text)
    assert [(lot.number, lot.title) for lot in made.lots] == [("4", "peinture des façades")]
    title = "École — lot n° 5 : vitrerie"
    made = clauses.complete(Tender(id="t", format="x", title=title, lots=(Lot(id="1", title=title),)))
    assert [lot.number for lot in made.lots] == ["5"]


def test_a_weight_in_the_name_of_a_criterion_is_its_weight() -> None:
    award = """<AC><AC_QUALITY><AC_CRITERION>Mémoire technique : 60 points</AC_CRITERION></AC_QUALITY>
     <AC_QUALITY><AC_CRITERION>Le prix n'est pas le seul critère d'attribution.</AC_CRITERION></AC_QUALITY></AC>"""
    (lot,) = ted(described(1, award)).lots
    assert [(one.weight, one.weight_unit) for one in lot.criteria] == [(60.0, "points")]
    weights = (("Valeur", 70), ("Valeur : méthode", 40), ("Valeur : équipe", 30), ("Prix", 30), ("Exclu", 0))
    part = "<AC_QUALITY><AC_CRITERION>{}</AC_CRITERION><AC_WEIGHTING>{}</AC_WEIGHTING></AC_QUALITY>"
    parts = (part.format(name, of) for name, of in weights)
    (lot,) = ted(described(1, f"<AC>{''.join(parts)}</AC>")).lots
    assert [(one.kind, one.weight) for one in lot.criteria] == [("quality", 70.0), ("price", 30.0)]
    coded = '<AC_AWARD_CRIT CODE="1">Lowest price</AC_AWARD_CRIT>'
    (price,) = ted(described(1), coded=coded).lots[0].criteria
    assert (price.name, price.kind) == ("Prix", "price")
    (quality, cost) = facts.told((Criterion(name="60 % la méthode — 40 % le prix"),))
    assert (quality.name, cost.name) == ("60 % la méthode", "40 % le prix")
    assert ted(described(1), form="F12_2014").lots[0].criteria == ()  # a contest
    features = "<MAIN_FEATURES_AWARD><P>Méthode 70 %</P><P>Coût 30 %</P></MAIN_FEATURES_AWARD>"
    made = ted(described(1), more=f"<PROCEDURE>{features}</PROCEDURE>")
    assert [one.weight for one in made.lots[0].criteria] == [70.0, 30.0]


def test_the_amount_of_a_result_is_what_was_awarded_and_no_estimate() -> None:
    total = '<VAL_TOTAL CURRENCY="EUR">45000</VAL_TOTAL>'
    contract = """<AWARD_CONTRACT><LOT_NO>7</LOT_NO><TITLE>Serrurerie</TITLE><AWARDED_CONTRACT><CONTRACTORS><CONTRACTOR>
     <ADDRESS_CONTRACTOR><OFFICIALNAME>Fer</OFFICIALNAME></ADDRESS_CONTRACTOR></CONTRACTOR></CONTRACTORS></AWARDED_CONTRACT></AWARD_CONTRACT>"""
    made = ted(f"{total}<OBJECT_DESCR/>", more=contract, form="F03_2014")
    (lot,), (award,) = made.lots, made.awards
    assert (lot.amount, award.amount) == (45_000.0, 45_000.0)
    assert (lot.number, lot.title) == ("7", "Serrurerie")
    assert ted(f"{total}<OBJECT_DESCR/>").lots[0].amount == 45_000.0  # a call
    estimate = '<VALUES><VAL_ESTIMATED_TOTAL CURRENCY="EUR">60000</VAL_ESTIMATED_TOTAL></VALUES>'
    repeated = contract.replace("</AWARDED", f"{estimate}</AWARDED")
    assert ted(described(7), more=repeated, form="F03_2014").lots[0].amount is None
    worth = '<VALUES><VAL_TOTAL CURRENCY="EUR">30000</VAL_TOTAL></VALUES>'
    other = worth.replace("30000", "20000")
    several = [contract.replace("</AWARDED", f"{each}</AWARDED") for each in (worth, worth, other)]
    both = ted(described(7), more="".join(several), form="F03_2014")
    assert [lot.amount for lot in both.lots] == [50_000.0]  # one framework of two holders, and one contract
    shared = total.replace("45000", "40000") + described(7)
    assert ted(shared, more="".join(several[:2]), form="F03_2014").lots[0].amount == 40_000.0
    told = total.replace("45000", "80000") + described(7)
    assert ted(told, more="".join(several), form="F03_2014").lots[0].amount == 80_000.0  # three contracts
    bare = several[0].replace("<LOT_NO>7</LOT_NO>", "")
    two = described(7) + described(8, title="Serrurerie")
    for title in ("Serrurerie", "Lot n° 8 : serrures"):
        titled = ted(two, more=bare.replace("Serrurerie", title), form="F03_2014")
        assert [lot.amount for lot in titled.lots] == [None, 30_000.0]
    ends = '<VAL_RANGE_TOTAL CURRENCY="EUR"><LOW>1</LOW><HIGH>90000</HIGH></VAL_RANGE_TOTAL>'
    ranged = contract.replace("</AWARDED", f"<VALUES>{ends}</VALUES></AWARDED")
    (lot,) = ted(described(7), more=ranged, form="F03_2014").lots
    assert (lot.amount, lot.amount_max) == (None, 90_000.0)
    nothing = "<AWARD_CONTRACT><LOT_NO>7</LOT_NO><NO_AWARDED_CONTRACT/></AWARD_CONTRACT>"
    ended = ted(described(7), more=nothing, form="F03_2014")
    assert (ended.nature, ended.cancels, ended.awards) == ("cancellation", ("7",), ())


def test_the_hour_of_a_deadline_is_that_of_its_buyer() -> None:
    assert facts.moment("2027-05-03", "12:00", "972").utcoffset() == timedelta(hours=-4)  # type: ignore[union-attr]
    assert facts.moment("2027-05-03", "12:00", "974").utcoffset() == timedelta(hours=4)  # type: ignore[union-attr]
    assert facts.moment("2027-05-03", "12:00+02:00", "974").utcoffset() == timedelta(hours=2)  # type: ignore[union-attr]
    day = facts.moment("2027-05-03", "", "974")
    assert isinstance(day, datetime) and day.utcoffset() == timedelta(hours=2)  # the day alone


def test_the_text_tells_how_many_hold_a_framework_against_the_box() -> None:
    form = "<PROCEDURE><FRAMEWORK><SEVERAL_OPERATORS/></FRAMEWORK></PROCEDURE>"
    made = ted(described(1, "<INFO_ADD><P>Marché cadre mono-attributaire.</P></INFO_ADD>"), more=form)
    assert [one.label for one in made.lots[0].conditions] == [terms.ONE_HOLDER]


def test_a_visit_to_be_attested_and_a_reserved_profession_are_conditions() -> None:
    attested = "L'attestation de visite devra être signée et jointe à l'offre."
    texts = attested, "Une visite est possible."
    codes = [[one.code for one in completed(text).conditions] for text in texts]
    assert codes == [["visit"], []]
    heading = "Références des dispositions législatives, réglementaires ou administratives applicables"
    law = f"<REFERENCE_TO_LAW><P>{heading}{{}}</P></REFERENCE_TO_LAW>"
    made = ted(described(1), left=law.format(" : Géomètre-expert."))
    assert [(c.code, c.passage) for c in made.lots[0].conditions] == [("profession", "Géomètre-expert.")]
    of_one = "<REFERENCE_TO_LAW><P>Le lot 1 est réservé à un géomètre-expert.</P></REFERENCE_TO_LAW>"
    both = ted(described(1) + described(2), left=of_one).lots
    assert [[one.code for one in lot.conditions] for lot in both] == [["profession"], []]
    text = "Un abri est demandé en option. — Options : un banc. Un auvent est optionnel. Durée : 1 an."
    optional = ted(described(1, f"<INFO_ADD><P>{text}</P></INFO_ADD>"))
    assert optional.lots[0].options == text.removesuffix(" Durée : 1 an.")
    denied = described(
        1, "<NO_OPTIONS/><INFO_ADD><P>Une tranche optionnelle. Aucune tranche optionnelle.</P></INFO_ADD>"
    )
    assert ted(denied).lots[0].options == "Une tranche optionnelle."
    for form, codes in (("Cf. règlement.", []), ("Groupement solidaire.", ["group-form"])):
        made = ted(described(1), left=f"<LEGAL_FORM><P>{form}</P></LEGAL_FORM>")
        assert [one.code for one in made.lots[0].conditions] == codes
    for no_profession in (".", " : établissements et services d'aide par le travail."):
        assert not ted(described(1), left=law.format(no_profession)).lots[0].conditions


RENNES = Place(label="Rennes", commune="35238", department="35")


def placed(
    title: str = "", buyer: str = "Syndicat mixte", description: str = "", seat: Any = RENNES, **place: Any
) -> Lot:
    seat = seat or Place()
    lot = Lot(id="1", title=title, description=description, places=(Place(**place),) if place else ())
    lots = facts.placed((lot,), seat)
    tender = Tender(id="t", format="x", title=title, buyer=Buyer(name=buyer, place=seat), lots=lots)
    return clauses.complete(tender).lots[0]


@pytest.mark.parametrize(("title", "fields", "communes"), cases("communes in titles"))
def test_a_commune_in_the_title_is_the_place(title: str, fields: dict[str, Any], communes: list[str]) -> None:
    lot = placed(title, **fields)
    if communes:
        assert {one.label for one in lot.places} >= set(communes) and "places" not in lot.inferred
    else:
        assert not any(one.commune for one in lot.places if "places" not in lot.inferred)


def test_a_description_tells_the_place_where_no_field_does() -> None:
    text = "Réhabilitation de la halle du port, à Saint-Malo."
    assert [one.label for one in placed("Halle", description=text).places] == ["Saint-Malo"]
    site = "Gardiennage des bureaux situés 3 rue du Port, 35400 Saint-Malo."
    guards = placed("Gardes", description=site, label="Bureaux", region="53")
    assert [one.commune for one in guards.places] == ["35288"]
    assert [one.label for one in placed("cancale", department="35").places] == ["Cancale"]
    passing = "Rénovation du dépôt de Cancale, puis des quais de Saint-Malo."
    assert "places" in placed("Dépôts", description=passing).inferred
    elsewhere = "Concours de maîtrise d'œuvre pour la halle de Saint-Brieuc."
    assert [one.commune for one in placed("Concours", description=elsewhere).places] == ["22278"]
    words = "<INFO_ADD><P>Communes concernées : Cancale et Dinard.</P></INFO_ADD>"
    listed = described(1, f'<NUTS CODE="FRH03"/>{words}')
    assert [one.label for one in ted(listed).lots[0].places] == ["Cancale", "Dinard"]
    two_sites = "Büro, 75001 Pforzheim, et bureau, 35000 Rennes"
    assert facts.place(two_sites, nuts="FRH03").commune == "35238"
    around = facts.place("Communes du sud de la métropole de Rennes", nuts="FRH03")
    assert (around.department, around.commune) == ("35", None)
    plain = "Réseaux des communes de Cancale, Dinard et Saint-Malo."
    assert len(placed("Secteur de Saint-Malo", description=plain).places) == 3
    stated = placed("Halle", description=text, label="Secteur est du territoire", department="35")
    assert [one.commune for one in stated.places] == [None]
    listed = placed("Halles", label="Cancale — Saint-Malo Dinard.", department="35")
    assert [one.label for one in listed.places] == ["Cancale", "Saint-Malo", "Dinard"]
    both = placed("Bancs", label="Dinard (35800), un banc à Saint-Lunaire (35800)", nuts="FRH03")
    assert [one.label for one in both.places] == ["Dinard", "Saint-Lunaire"]
    fibre = "Fibre du territoire des départements du Finistère et du Morbihan."
    assert [one.department for one in placed("Fibre", description=fibre, nuts="FRH").places] == ["29", "56"]
    assert facts.place("Paris.", nuts="FR101").commune == "75056"
    assert facts.place("Dakar", nuts="00").country == "ZZ"  # no opportunity of a French structure
    assert facts.place(postcode="97719", city="Saint-Denis CEDEX").department == "974"
    assert facts.place("Quai Nord, 75013 Paris").commune == "75113"
    assert facts.place("Formation sur tout le territoire, 75013 Paris", nuts="FR").commune is None
    assert [one.commune for one in placed("Halte à Paris XIIIe", department="75").places] == ["75113"]
    assert facts.place(postcode="75013", city="Paris").commune == "75056"  # where one has its seat


def test_a_commune_buys_at_home_and_a_firm_called_after_a_town_does_not() -> None:
    where = {"label": "Toute la commune", "department": "35"}
    home = placed("Sols souples", buyer="Ville de Cancale", seat=Place(), **where)
    assert [(one.label, one.commune) for one in home.places] == [("Toute la commune", "35049")]
    buyer = Tender(id="t", format="x", title="", buyer=Buyer(name="Ville de Cancale"), lots=(home,))
    assert toponyms.of_lot(home, buyer)[1]
    away = placed("Produits pour les besoins d'Eaux de Cancale", buyer="Eaux de Cancale", department="35")
    assert [one.commune for one in away.places] == [None]
    local = ("Service d'incendie d'Ille-et-Vilaine", "Hôpital de Rennes", "Groupement de commandes d'Ouest")
    for buyer in ("Réseau ferré", *local):  # the country, without a word, is no place of theirs
        assert bool(placed("Pompes", buyer=buyer, nuts="FR").places) == (buyer not in local), buyer


def test_a_prior_notice_tells_in_words_until_when_it_is_answered() -> None:
    text = "<COMPLEMENTARY_INFO><INFO_ADD><P>Les réponses sont à adresser avant le 16.4.2027 (12h00).</P></INFO_ADD></COMPLEMENTARY_INFO>"
    due = ted(described(1), more=text, form="F01_2014").deadline
    assert due is not None and due.replace(tzinfo=None) == datetime(2027, 4, 16, 12)
    assert ted(described(1), more=text).deadline is None
    interest = text.replace("Les réponses sont à adresser", "Les candidats déclarent leur intérêt")
    notice = f'<NOTICE TYPE="PER_CALL_COMPETITION"/>{interest}'
    when = "<PROCEDURE><DATE_RECEIPT_TENDERS>2027-09-30</DATE_RECEIPT_TENDERS></PROCEDURE>"
    earlier = ted(described(1), more=notice + when, form="F04_2014").deadline
    assert earlier is not None and earlier.replace(tzinfo=None) == datetime(2027, 4, 16, 12)


def test_numbers_of_contracts_and_of_french_buyers() -> None:
    text = "<P>La référence du dossier est 27-T-04.</P>"
    assert ted(described(1), text=text).reference == "27-T-04"
    assert ted("<REFERENCE_NUMBER>27S1</REFERENCE_NUMBER>" + described(1), text=text).reference == "27S1"
    numbers = ("34170", "972695y", "641 000 009 RCS LILLE", "641000009")
    ids = [facts.buyer(number, "Ville", Place(country="FR")).id for number in numbers]
    assert ids == ["", "", "641000009", "641000009"]
    assert facts.buyer("BE 0471", "Ville", Place(country="BE")).id == "BE 0471"
