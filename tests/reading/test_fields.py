"""Fields of a notice that only its words tell: renewals, maxima, dates, limits on lots, criteria, agents, places."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tests.reading.test_clauses_of_notices import described, ted

from matcher.domain import Buyer, Criterion, Lot, Place, Tender
from matcher.reading import clauses, criteria, terms
from matcher.reading.sources import _facts as facts
from matcher.reference import toponyms
from matcher.reference.prose import folded


def completed(text: str, **fields: Any) -> Lot:
    """The lot of a notice with this text and these fields."""
    lot = Lot(id="1", title="Tonte", description=text, **fields)
    return clauses.complete(Tender(id="t", format="x", title="Tonte", lots=(lot,))).lots[0]


@pytest.mark.parametrize(
    ("text", "fields", "renewed"),
    [
        ("Contrat d'un an, renouvelable 2 fois une année.", {"duration_months": 12.0}, (12, 2, 12)),
        ("Renouvelable 2 fois une année.", {"duration_months": 12.0, "renewals": 2}, (12, 2, 12)),
        ("Il pourra être prolongé trois fois, chaque prolongation ayant une durée de six mois.", {}, (None, 3, 6)),
        ("Trois options de prolongation de 6 mois chacune.", {"duration_months": 24.0}, (24, 3, 6)),
        ("Deux options de prolongation de durée de 6 mois chacune.", {"duration_months": 24.0}, (24, 2, 6)),
        ("Une prolongation d'une fois six mois (le délai indiqué comprend cette option).", {"duration_months": 24.0, "renewals": 0}, (18, 1, 6)),
        ("Les options de durée sont incluses. Trois périodes de six mois suivent.", {"duration_months": 42.0, "renewals": 0}, (24, 3, 6)),
        ("Au plus cinq ans : quatre ans fermes, et une durée optionnelle d'un an.", {"duration_months": 60.0}, (48, 1, 12)),
        (
            "Il est reconduit tacitement à chaque date anniversaire sans que sa durée puisse excéder trois ans.",
            {"duration_months": 12.0},
            (12, 2, 12),
        ),
        (
            "Conclu pour une période initiale d'un an. Il est reconductible par périodes d'un an pour une durée maximale de"
            " reconduction de deux ans, sans que sa durée totale ne puisse excéder trois ans.",
            {"duration_months": 36.0},
            (12, 2, 12),
        ),
        ("Reconduction au 1er mai de chaque année, trois reconductions au plus.", {}, (None, 3, 12)),
        ("Passé pour une période d'une saison de pêche, reconductible deux fois.", {"duration_months": 7.0}, (7, 2, 7)),
        ("Renouvelable 3 fois pour la même durée.", {"duration_months": 18.0}, (18, 3, 18)),
        ("Sans reconduction.", {"duration_months": 12.0, "renewals": 0}, (12, 0, None)),
        ("Le contrat, d'une durée de 12 mois, n'est pas reconductible.", {}, (12, 0, None)),
        ("En cas de non reconduction, une lettre est envoyée.", {}, (None, None, None)),
        ("Durée ferme de 24 mois prorogeable trois fois six mois.", {"duration_months": 42.0, "renewals": 0}, (24, 3, 6)),
        ("Deux reconductions : du 1.1.2028 au 30.6.2028, puis du 1.7.2028 au 31.12.2028.", {}, (None, 2, 6)),
        ("La durée est de 18 mois fermes, plus 6 mois en option.", {"duration_months": 24.0}, (18, 1, 6)),
        ("Deux périodes de reconduction d'un an ; durée maximale, toutes périodes confondues, de trois ans.", {"duration_months": 36.0}, (12, 2, 12)),
        ("La durée globale prévisionnelle d'exécution du marché de travaux est de : 18 mois.", {}, (18, None, None)),
        ("Une reconduction annuelle est prévue, au plus 3 reconductions.", {"duration_months": 48.0}, (12, 3, 12)),
        ("Conclu pour une durée d'une année, renouvelable deux fois.", {}, (12, 2, 12)),
        ("Contrat d'une année reconductible 2 fois. Durée totale : 3 ans.", {"duration_months": 36.0}, (12, 2, 12)),
        (
            "Conclu pour une première période du 1.4.2027 (ou de sa notification) jusqu'au 31.3.2028, puis reconduit"
            " par périodes d'une année ; la durée maximale de reconduction est de deux ans.",
            {"duration_months": 36.0},
            (12, 2, 12),
        ),
        ("Durée de 60 mois, dont les 2 dernières années en option.", {"duration_months": 60.0}, (36, 1, 24)),
        ("Passé pour une période d'une année scolaire, reconductible deux fois.", {"duration_months": 10.0}, (10, 2, 10)),
        ("La durée de la mission est estimée à 3 ans. Une prestation annuelle a une durée de 2 mois.", {}, (36, None, None)),
        ("Contrat d'un an. Reconduction expresse possible en 2028, 2029 et 2030.", {"duration_months": 12.0}, (12, 3, 12)),
        ("Une année ferme : durée de 1 an ferme et trois années optionnelles d'un an chacune.", {}, (12, 3, 12)),
        ("Le contrat prend effet le 1.3.2027. Il est conclu pour cette mission jusqu'au 28.2.2029.", {}, (24, None, None)),
        ("Le délai est de 30 mois. Il est reconductible deux fois pour une période de douze mois.", {"duration_months": 54.0}, (30, 2, 12)),
        ("Durée du contrat : 36 mois (3 ans) du 1.1.2027 au 31.12.2029.", {"duration_months": 24.0}, (36, None, None)),
        ("Durée initiale de trois ans ; en cas d'option elle sera prolongée de six (6) ans, pour une durée totale de neuf ans.", {"duration_months": 108.0}, (36, 1, 72)),
        ("Valeur sur 4 ans (3 ans + éventuelle prolongation d'1 an).", {"duration_months": 48.0}, (36, 1, 12)),
        ("Le délai global prévisionnel du marché est de 50 mois.", {}, (50, None, None)),
        ("Reconduction : deux périodes d'une durée d'un an.", {}, (None, 2, 12)),
    ],
)  # fmt: skip
def test_renewals_have_a_number_and_a_length(
    text: str, fields: dict[str, Any], renewed: tuple[Any, ...]
) -> None:
    lot = completed(text, **fields)
    assert (lot.duration_months, lot.renewals, lot.renewal_months) == renewed


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2025-03-01", "2029-02-28", 48.0),
        ("2025-03-01", "2026-03-01", 12.0),
        ("2025-01-01", "2025-12-31", 12.0),
        ("2025-01-01", "2025-02-14", 1.46),
    ],
)
def test_two_days_are_so_many_months_apart(start: str, end: str, months: float) -> None:
    assert facts.span(start, end) == months
    assert facts.months("730", "DAY") == 24.0 and facts.months("45", "DAY") == 1.48


@pytest.mark.parametrize(
    ("text", "fields", "maximum"),
    [
        ("Maximum annuel de 20 000 € HT.", {"duration_months": 12.0, "renewals": 3, "renewal_months": 12.0}, 80_000),
        ("Montants annuels : mini 5 000 € et maxi 30 000 € HT.", {"duration_months": 24.0}, 60_000),
        ("Maximum sur 2 ans : 50 000 € HT.", {"duration_months": 24.0, "renewals": 1, "renewal_months": 24.0}, 100_000),
        ("Le montant indiqué correspond au montant maximal pour quatre ans.", {"amount": 40_000.0}, 40_000),
        ("Maximum annuel de 20 000 € HT.", {}, None),
        ("L'enveloppe du marché est de 30 000 € HT maximum.", {}, 30_000),
        ("Maximum de 20 000 € HT pour la période initiale.", {"duration_months": 12.0}, None),
        ("Maximum de 20 000 € HT par période.", {"duration_months": 12.0, "renewals": 2, "renewal_months": 12.0}, 60_000),
        (
            "Montant maximum de 20 000 € HT. Ces montants sont identiques pour la reconduction.",
            {"duration_months": 24.0, "renewals": 1, "renewal_months": 24.0},
            40_000,
        ),
        (
            "Maximum de 40 000 € HT pour la première période et de 10 000 € HT pour les périodes suivantes.",
            {"duration_months": 12.0, "renewals": 2, "renewal_months": 12.0},
            60_000,
        ),
        ("La valeur des commandes ne pourra excéder 40 000 d'EUR HT.", {}, 40_000),
        (
            "Maximum HT : 50 000 €. Ville : maximum 30 000 € HT / an. École : maximum 20 000 € HT / an.",
            {"duration_months": 12.0, "renewals": 1, "renewal_months": 12.0},
            100_000,
        ),
        ("Les besoins peuvent varier chaque année dans les limites : maximum 9 000 € HT.", {"duration_months": 36.0}, 27_000),
    ],
)  # fmt: skip
def test_a_maximum_is_over_the_whole_duration(
    text: str, fields: dict[str, Any], maximum: float | None
) -> None:
    assert completed(text, **fields).amount_max == maximum


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Date prévisionnelle de début des prestations : 1.9.2027.", date(2027, 9, 1)),
        ("La date de prise d'effet du marché est fixée au 15/02/2027.", date(2027, 2, 15)),
        ("Le contrat prendra effet le 1er mars 2027.", date(2027, 3, 1)),
        ("Contrat débutant le 01/03/2027 pour 60 mois.", date(2027, 3, 1)),
        ("Le démarrage du service est prévu au 1.3.2027.", date(2027, 3, 1)),
        ("L'exploitation débutera le 1.3.2027 pour la piscine et le 1.5.2027 pour le gymnase.", None),
        ("Concession d'une durée de 6 ans à compter du 1.1.2027 (ou de sa notification).", date(2027, 1, 1)),
        ("Le dossier peut être retiré à compter du 3.5.2027.", None),
        ("Exploitation du camping à compter du 1.4.2027 pour une durée de 5 ans.", date(2027, 4, 1)),
        ("Les prestations débuteront à compter du 2.11.2027.", date(2027, 11, 2)),
        (
            "Il est reconduit pour une durée d'un an à compter du 1.1.2028, puis du 1.1.2029.",
            date(2028, 1, 1),
        ),
        ("Date de début du lot 1 : 1.9.2027. Date de début du lot 2 : 1.10.2027.", None),
    ],
)
def test_the_day_on_which_a_contract_begins_is_read(text: str, day: date | None) -> None:
    assert completed(text).start == day


@pytest.mark.parametrize(
    ("text", "amount", "most"),
    [
        ("Le besoin, d'une valeur estimée entre 300 000 € HT et 450 000 € HT, dure un an.", 450_000.0, None),
        ("Valeur estimée : 80 000 € HT. Montant maximum : 95 000 € HT.", 80_000.0, 95_000.0),
        ("Valeur estimée : 80 000 € HT pour la ville et de 20 000 € HT pour son école.", 100_000.0, None),
    ],
)
def test_an_estimate_is_the_upper_end_of_its_range_and_the_sum_of_its_parts(
    text: str, amount: float | None, most: float | None
) -> None:
    lot = completed(text)
    assert (lot.amount, lot.amount_max) == (amount, most)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("Le nombre maximal de lots pouvant être attribués à un même candidat est fixé à trois.", 3),
        ("Il ne sera attribué à un même soumissionnaire plus de deux lots.", 2),
        ("Un même candidat ne peut être attributaire que d'un seul lot.", 1),
        ("Le même candidat peut répondre à tous les lots.", None),
    ],
)
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
        ("Le chiffre d'affaires du service s'est élevé à 160 000 EUR.", None),
    ):  # fmt: skip
        assert terms.turnover(terms.requiring_turnover(text)) == euros
    in_brackets = "Justifier d'un CA annuel de 90 000 (lot 1) et 150 000 (lot 2)."
    headed = "Lot 1 :\n- être assuré,\n- un CA annuel de 90 000 €.\nLot 2 :\n- un CA annuel de 150 000 €."
    assert terms.turnovers(in_brackets) == terms.turnovers(headed) == {"1": 90_000.0, "2": 150_000.0}
    by_lot = "Chiffre d'affaires exigé : lot n° 1 : 90 000 € HT ; lot n° 02 : 150 000 € HT."
    assert terms.turnovers(by_lot) == {"1": 90_000.0, "2": 150_000.0} and terms.turnover(by_lot) is None


@pytest.mark.parametrize(
    ("text", "adapted", "way"),
    [
        ("Procédure adaptée ouverte (article R. 2123-1).", True, ""),
        ("La consultation est passée selon une procédure adaptée.", True, ""),
        ("La procédure est adaptée, sans négociation.", True, ""),
        ("Le présent marché est un marché à procédure adaptée.", True, ""),
        ("Des prestations pourront être confiées ultérieurement, sans la procédure adaptée.", False, ""),
        ("Appel d'offres ouvert.", False, "ouverte"),
        ("La procédure retenue est la procédure restreinte.", False, "restreinte"),
        ("Procédure ouverte, et non procédure restreinte.", False, ""),
        ("Procédures simplifiées de concession.", False, "simplifiée"),
        ("Recours à la procédure négociée, sans publication préalable.", False, terms.NEGOTIATED[1]),
        ("Ce contrat a été passé sous la forme d'un marché sans publicité.", False, terms.NEGOTIATED[1]),
    ],
)
def test_a_procedure_is_told_by_its_sentence(text: str, adapted: bool, way: str) -> None:
    assert (terms.adapted(folded(text)), terms.procedure(folded(text))) == (adapted, way)


def test_the_only_lot_of_many_that_a_notice_is_about_is_named() -> None:
    text = "La présente consultation ne concerne que le lot 4 : peinture des façades."
    made = clauses.complete(
        Tender(id="t", format="x", title="École", lots=(Lot(id="1", title="École"),)), text
    )
    assert [(lot.number, lot.title) for lot in made.lots] == [("4", "peinture des façades")]
    title = "École — lot n° 5 : vitrerie"
    made = clauses.complete(Tender(id="t", format="x", title=title, lots=(Lot(id="1", title=title),)))
    assert [lot.number for lot in made.lots] == ["5"]


# ------------------------------------------------------------------------------------------------- criteria


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Qualité du projet = 60 %.\n2. Coût des travaux = 40 %.", [("Qualité du projet = 60 %", 60), ("Coût des travaux = 40 %", 40)]),
        ("Critères suivants par ordre décroissant :\n— insertion dans le site,\n— respect du budget.", [("insertion dans le site", None), ("respect du budget", None)]),
        ("critère 1 : Façade du bâtiment Critère 2 : Coût global", [("Façade du bâtiment", None), ("Coût global", None)]),
        ("1) Fonctionnalité :\n— accès,\n— surfaces.\n2) Coût global", [("Fonctionnalité", None), ("Coût global", None)]),
        ("Usage des lieux, respect du programme, budget des travaux.", [("Usage des lieux", None), ("respect du programme", None), ("budget des travaux", None)]),
        ("Les critères sont précisés dans le règlement du concours.", []),
        ("Voir le règlement.", []),
        ("Critère coût : 65% Critères techniques : 35%", [("Critère coût : 65%", 65), ("Critères techniques : 35%", 35)]),
        ("Coût : quinze points\nMéthode : vingt points", [("Coût : 15 points", 15), ("Méthode : 20 points", 20)]),
        ("1. Insertion dans le site et\nle quartier : 60 %\n2. Coût : 40 %", [("Insertion dans le site et le quartier : 60 %", 60), ("Coût : 40 %", 40)]),
        ("• Adéquation au thème (les autres comptent pour 20 % au plus)\n• Innovation", [("Adéquation au thème (les autres comptent pour 20 % au plus)", None), ("Innovation", None)]),
        ("Les candidatures sont retenues ainsi :\n- références\n- moyens", []),
        ("Ampleur des chantiers réalisés /60 moyens de l'équipe /40.", [("Ampleur des chantiers réalisés /60", 60), ("moyens de l'équipe /40", 40)]),
        ("1) coût pondération 60 ;\n2) méthode pondération 30 ;\n3) délais 10.", [("coût pondération 60", 60), ("méthode pondération 30", 30), ("délais 10", 10)]),
    ],
)  # fmt: skip
def test_the_criteria_of_a_contest_are_its_items(text: str, expected: list[tuple[str, float | None]]) -> None:
    found = [(one.name, one.weight) for one in criteria.listed(text)]
    assert [(name.rstrip(" :"), weight) for name, weight in found] == expected
    contest = ted(described(1), form="F12_2014").lots[0]
    assert contest.criteria == ()


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("Critères : technique (40 %), coût (45 %) et délai (15 %). Voir le dossier.", [40, 45, 15]),
        (
            "Critères de jugement des offres : technique : 70 %/prix : 30 %. Sous-critères au dossier.",
            [70, 30],
        ),
        ("Les candidatures sont classées selon les critères suivants : moyens 80 %, références 20 %.", []),
        (
            "Jugement des offres :\n— qualité de l'accueil à 65 %,\n— prix à 35 %.\nLe dossier est complet.",
            [65, 35],
        ),
        (
            "Critères d'attribution :\n1) accueil, noté sur 35 points ;\n2) délais ; noté sur 15 points ;\n3) prix, noté sur 50 points.",
            [35, 15, 50],
        ),
        ("Critères : au moins 50 % de produits locaux et 20 % de bio.", []),
        ("Critère 1 : Prix - 30 points\nCritère 2 : Technique - 50 points", [30, 50]),
        (
            "Critères 1 : Équipe (40 %).\nSous critère 1 : (60 %).\nSous critère 2 : (40 %).\nCritère 2 : Prix (60 %).",
            [40, 60],
        ),
        (
            "Offres jugées par ordre décroissant d'importance. Critères : accueil, coût, délais. Début le 1.3.",
            [None] * 3,
        ),
        ("Critères d'attribution :\n1) Premier rang : accueil\n2) Deuxième rang : coût", [None] * 2),
        ("Critères de sélection des offres\nPrix | 60 %\nTechnique\n40 %", [60, 40]),
        (
            "Critère n°1 - Technique (50 points)\nSous-critère 1 : moyens (50 points)\nCritère n°2 - Prix (50 points)",
            [50, 50],
        ),
    ],
)
def test_criteria_in_running_text_have_weights_that_make_a_whole(text: str, weights: list[float]) -> None:
    assert [one.weight for one in completed(text).criteria] == weights


def test_a_weight_in_the_name_of_a_criterion_is_its_weight() -> None:
    award = """<AC><AC_QUALITY><AC_CRITERION>Mémoire technique : 60 points</AC_CRITERION></AC_QUALITY>
     <AC_QUALITY><AC_CRITERION>Le prix n'est pas le seul critère d'attribution.</AC_CRITERION></AC_QUALITY></AC>"""
    (lot,) = ted(described(1, award)).lots
    assert [(one.weight, one.weight_unit) for one in lot.criteria] == [(60.0, "points")]
    coded = '<AC_AWARD_CRIT CODE="1">Lowest price</AC_AWARD_CRIT>'
    (price,) = ted(described(1), coded=coded).lots[0].criteria
    assert (price.name, price.kind) == ("Prix", "price")
    (quality, cost) = facts.told((Criterion(name="60 % la méthode — 40 % le prix"),))
    assert (quality.name, cost.name) == ("60 % la méthode", "40 % le prix")
    features = "<MAIN_FEATURES_AWARD><P>Méthode 70 %</P><P>Coût 30 %</P></MAIN_FEATURES_AWARD>"
    made = ted(described(1), more=f"<PROCEDURE>{features}</PROCEDURE>")
    assert [one.weight for one in made.lots[0].criteria] == [70.0, 30.0]


# ----------------------------------------------------------------------------------------- forms and people


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
    nothing = "<AWARD_CONTRACT><LOT_NO>7</LOT_NO><NO_AWARDED_CONTRACT/></AWARD_CONTRACT>"
    ended = ted(described(7), more=nothing, form="F03_2014")
    assert (ended.nature, ended.cancels, ended.awards) == ("cancellation", ("7",), ())


@pytest.mark.parametrize(
    ("address", "text", "names"),
    [
        ("SPL Bâtir, agissant pour le compte de la région Bretagne, 3 rue du Port", "", ["Région Bretagne"]),
        ("", "Avis émis au nom et pour le compte de Rail Infra et de Rail Mobilité.", ["Rail Infra", "Rail Mobilité"]),
        ("", "L'acheteur agit pour le compte d'autre(s) pouvoir(s) adjudicateur(s): crous de Lorient.", []),
        ("", "Le pouvoir adjudicateur agit pour le compte d'autre(s) pouvoir(s) adjudicateur(s): crous de Lorient.", ["Crous de Lorient"]),
        ("", "Groupement de commandes constitué entre les communes de Ruffigné, Nozay et Vay pour leurs repas.", ["Commune de Ruffigné", "Commune de Nozay", "Commune de Vay"]),
        ("", "Un groupement de commandes entre Redon Agglomération (coordonnateur) et la ville de Redon.", ["Redon Agglomération", "Ville de Redon"]),
        ("", "Nous agissons pour le compte de Rail Infra dans le cadre de ces marchés.", ["Rail Infra"]),
        ("", "Expérience de mandats au nom et pour le compte de pouvoirs adjudicateurs.", []),
    ],
)  # fmt: skip
def test_those_for_whom_an_agent_buys_are_joint_buyers(address: str, text: str, names: list[str]) -> None:
    assert facts.principals(address, text) == names


def test_the_hour_of_a_deadline_is_that_of_its_buyer() -> None:
    assert facts.moment("2027-05-03", "12:00", "972").utcoffset() == timedelta(hours=-4)  # type: ignore[union-attr]
    assert facts.moment("2027-05-03", "12:00", "974").utcoffset() == timedelta(hours=4)  # type: ignore[union-attr]
    assert facts.moment("2027-05-03", "12:00+02:00", "974").utcoffset() == timedelta(hours=2)  # type: ignore[union-attr]
    day = facts.moment("2027-05-03", "", "974")
    assert isinstance(day, datetime) and day.utcoffset() == timedelta(hours=2)  # the day alone


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Il s'agit d'un accord-cadre mono-attributaire à bons de commande.", terms.ONE_HOLDER),
        ("Accord-cadre multi-attributaire.", terms.SEVERAL_HOLDERS),
        ("Mise en place d'accords-cadres multi-attributaires.", terms.SEVERAL_HOLDERS),
        ("L'accord-cadre est reconduit deux fois.", terms.ONE_HOLDER),
        ("Accord-cadre : chaque lot est attribué à un seul prestataire.", terms.ONE_HOLDER),
        ("Marché complémentaire mono-attributaire, dans le cadre d'une extension.", None),
        ("Selon le CCAG des accords-cadres.", None),
        ("La présente consultation n'est pas un accord-cadre.", None),
    ],
)
def test_a_framework_is_told_with_its_holders(text: str, label: str | None) -> None:
    labels = [one.label for one in completed(text).conditions if one.code == "framework"]
    assert labels == ([label] if label else [])


def test_the_text_tells_how_many_hold_a_framework_against_the_box() -> None:
    form = "<PROCEDURE><FRAMEWORK><SEVERAL_OPERATORS/></FRAMEWORK></PROCEDURE>"
    made = ted(described(1, "<INFO_ADD><P>Marché cadre mono-attributaire.</P></INFO_ADD>"), more=form)
    assert [one.label for one in made.lots[0].conditions] == [terms.ONE_HOLDER]


def test_a_visit_to_be_attested_and_a_reserved_profession_are_conditions() -> None:
    attested = "L'attestation de visite devra être signée et jointe à l'offre."
    codes = [
        [one.code for one in completed(text).conditions] for text in (attested, "Une visite est possible.")
    ]
    assert codes == [["visit"], []]
    made = ted(described(1), left="<PARTICULAR_PROFESSION><P>Géomètre-expert.</P></PARTICULAR_PROFESSION>")
    assert [(one.code, one.passage) for one in made.lots[0].conditions] == [
        ("profession", "Géomètre-expert.")
    ]
    of_one = "<REFERENCE_TO_LAW><P>Le lot 1 est réservé à un géomètre-expert.</P></REFERENCE_TO_LAW>"
    both = ted(described(1) + described(2), left=of_one).lots
    assert [[one.code for one in lot.conditions] for lot in both] == [["profession"], []]
    optional = ted(described(1, "<INFO_ADD><P>Un abri est demandé en option. Durée : 1 an.</P></INFO_ADD>"))
    assert optional.lots[0].options == "Un abri est demandé en option."
    denied = described(
        1, "<NO_OPTIONS/><INFO_ADD><P>Une tranche optionnelle. Aucune tranche optionnelle.</P></INFO_ADD>"
    )
    assert ted(denied).lots[0].options == "Une tranche optionnelle."
    for form, codes in (("Cf. règlement.", []), ("Groupement solidaire.", ["group-form"])):
        made = ted(described(1), left=f"<LEGAL_FORM><P>{form}</P></LEGAL_FORM>")
        assert [one.code for one in made.lots[0].conditions] == codes
    assert not ted(described(1), left="<NO_PARTICULAR_PROFESSION/>").lots[0].conditions


# --------------------------------------------------------------------------------------------------- places


RENNES = Place(label="Rennes", commune="35238", department="35")


def placed(
    title: str = "", buyer: str = "Syndicat mixte", description: str = "", seat: Place = RENNES, **place: Any
) -> Lot:
    where = Place(**place)
    lots = facts.placed(
        (Lot(id="1", title=title, description=description, places=(where,) if place else ()),), seat
    )
    tender = Tender(id="t", format="x", title=title, buyer=Buyer(name=buyer, place=seat), lots=lots)
    return clauses.complete(tender).lots[0]


@pytest.mark.parametrize(
    ("title", "fields", "communes"),
    [
        ("Construction d'une crèche à Cancale", {"department": "35"}, ["Cancale"]),
        ("Construction d'une crèche à Cancale", {}, ["Cancale"]),  # where only the buyer's address is known
        ("Eau potable des communes suivantes : Bréal, Comblessac, Guignen", {"department": "35"}, ["Comblessac", "Guignen"]),
        ("Repas à l'hôpital de Vitré (35) et à celui de Laval (53)", {"region": "53"}, ["Vitré"]),
        ("Navette entre Vitré et Fougères", {"region": "53"}, ["Vitré", "Fougères"]),
        ("Défense devant le tribunal de Rennes et la CA de Rennes", {"department": "35"}, ["Rennes"]),
        ("Tri postal du centre de Brest", {"region": "53"}, []),  # in passing, and of a whole region
        ("Rénovation du gymnase rue de Cancale", {"department": "35"}, []),
        ("Toutes les communes du département à l'exception de Cancale", {"department": "35"}, []),
        ("Desserte de la ligne Cancale-Dinard", {"department": "35"}, []),
        ("Travaux à Marseille", {"department": "35"}, []),
        ("Collecte des déchets de la communauté d'agglomération Redon Agglomération", {"department": "35"}, []),
        ("Gymnase des Tilleuls Saint-Malo", {"department": "35"}, ["Saint-Malo"]),
        ("Musée d'art de Rennes, aux États-Unis", {"label": "États-Unis", "nuts": "00"}, []),
        ("Entretien des voiries aux Portes-du-Coglais", {"department": "35"}, ["Les Portes du Coglais"]),
        ("Nettoyage des squares des 3e et 7e arrondissements", {"label": "Lyon", "department": "69", "commune": "69123"}, ["Lyon 3e Arrondissement", "Lyon 7e Arrondissement"]),
    ],
)  # fmt: skip
def test_a_commune_that_the_title_names_is_the_place(
    title: str, fields: dict[str, Any], communes: list[str]
) -> None:
    lot = placed(title, **fields)
    if communes:
        assert {one.label for one in lot.places} >= set(communes) and "places" not in lot.inferred
    else:
        assert not any(one.commune for one in lot.places if "places" not in lot.inferred)


def test_a_description_tells_the_place_where_no_field_does() -> None:
    text = "Réhabilitation de la halle du port, à Saint-Malo."
    assert [one.label for one in placed("Halle", description=text).places] == ["Saint-Malo"]
    site = "Gardiennage des bureaux situés 3 rue du Port, 35400 Saint-Malo."
    assert [
        one.commune for one in placed("Gardes", description=site, label="Bureaux", region="53").places
    ] == ["35288"]
    assert [one.label for one in placed("cancale", department="35").places] == ["Cancale"]
    passing = "Rénovation du dépôt de Cancale, puis des quais de Saint-Malo."
    assert "places" in placed("Dépôts", description=passing).inferred
    elsewhere = "Concours de maîtrise d'œuvre pour la halle de Saint-Brieuc."
    assert [one.commune for one in placed("Concours", description=elsewhere).places] == ["22278"]
    listed = described(
        1, '<NUTS CODE="FRH03"/><INFO_ADD><P>Communes concernées : Cancale et Dinard.</P></INFO_ADD>'
    )
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
    assert facts.place(postcode="97719", city="Saint-Denis CEDEX").department == "974"
    assert facts.place("Quai Nord, 75013 Paris").commune == "75113"
    assert facts.place(postcode="75013", city="Paris").commune == "75056"  # where one has its seat


def test_a_commune_buys_at_home_and_a_firm_called_after_a_town_does_not() -> None:
    home = placed(
        "Sols souples", buyer="Ville de Cancale", seat=Place(), label="Toute la commune", department="35"
    )
    assert [(one.label, one.commune) for one in home.places] == [("Toute la commune", "35049")]
    assert toponyms.of_lot(
        home, Tender(id="t", format="x", title="", buyer=Buyer(name="Ville de Cancale"), lots=(home,))
    )[1]
    away = placed("Produits pour les besoins d'Eaux de Cancale", buyer="Eaux de Cancale", department="35")
    assert [one.commune for one in away.places] == [None]


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


def test_the_number_of_a_contract_is_told_by_a_text_where_no_field_does() -> None:
    text = "<P>La référence du dossier est 27-T-04.</P>"
    assert ted(described(1), text=text).reference == "27-T-04"
    assert ted("<REFERENCE_NUMBER>27S1</REFERENCE_NUMBER>" + described(1), text=text).reference == "27S1"


@pytest.mark.parametrize(
    ("body", "text", "contact"),
    [
        ("<ADDRESS_FURTHER_INFO><PHONE>01 00</PHONE></ADDRESS_FURTHER_INFO>", "Tél. 02 99 00 00 00", ("", "01 00")),
        ("<ADDRESS_FURTHER_INFO><CONTACT_POINT>Mme Le Goff</CONTACT_POINT></ADDRESS_FURTHER_INFO>", "", ("Mme Le Goff", "")),
        ("<ADDRESS_FURTHER_INFO><CONTACT_POINT>a@b.fr</CONTACT_POINT></ADDRESS_FURTHER_INFO>", "", ("", "")),
        ("", "Téléphone : 02 99 00 00 00, puis tél. +33 299000000.", ("", "+33 299000000")),
        ("", "Tél. 02 99 00 00 00 ou tél. 02 99 00 00 01.", ("", "")),
        ("", "Plateforme : tél. 0825 00 00 00.", ("", "")),
    ],
)  # fmt: skip
def test_whom_to_ask_is_told_by_the_buyer_by_who_informs_or_by_the_text(
    body: str, text: str, contact: tuple[str, str]
) -> None:
    made = ted(described(1), buyers=body, text=f"<P>{text}</P>").contact
    assert (made.name, made.phone) == contact


def test_only_a_siret_or_a_siren_is_the_number_of_a_french_buyer() -> None:
    numbers = ("34170", "972695y", "641 000 009 RCS LILLE", "641000009")
    ids = [facts.buyer(number, "Ville", Place(country="FR")).id for number in numbers]
    assert ids == ["", "", "641000009", "641000009"]
    assert facts.buyer("BE 0471", "Ville", Place(country="BE")).id == "BE 0471"
