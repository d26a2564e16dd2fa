"""What the text of a correction withdraws, on two hundred sentences written as buyers write them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from matcher.domain import Lot, Tender
from matcher.reading import cancellation, procedure
from matcher.reading.procedure import answerable

WHOLE = """
La consultation est annulée.
La présente consultation est annulée.
La procédure est déclarée sans suite.
La procédure est déclarée sans suite pour motif d'intérêt général.
Le marché est déclaré sans suite.
Procédure déclarée sans suite pour des raisons budgétaires.
Déclaration sans suite de la procédure.
Le pouvoir adjudicateur a décidé d'annuler la consultation.
Le pouvoir adjudicateur a décidé de déclarer la procédure sans suite.
Annulation de la consultation.
Annulation de la procédure de passation.
ANNULATION DU MARCHE
Avis d'annulation.
Marché annulé.
Consultation annulée, un nouvel avis sera publié ultérieurement.
Le présent avis est annulé.
L'avis est annulé.
Cet avis est annulé.
L'appel d'offres est déclaré infructueux.
Appel d'offres infructueux.
La consultation est déclarée infructueuse, aucune offre n'ayant été remise.
Le marché est infructueux.
La procédure a été déclarée infructueuse.
La procédure est abandonnée.
Le projet est abandonné.
L'opération est abandonnée, la consultation est donc sans suite.
Il est mis fin à la procédure.
Il est mis fin à la présente procédure en raison d'une erreur dans le DCE.
La commune met fin à la procédure.
Le conseil municipal a décidé de mettre un terme à la consultation.
La consultation est retirée.
L'annonce est retirée.
Le pouvoir adjudicateur renonce à passer le marché.
La ville renonce à conclure ce marché.
La procédure est interrompue.
La consultation est interrompue et ne sera pas poursuivie.
Le marché ne sera pas attribué.
L'accord-cadre ne sera pas attribué.
Le concours est annulé.
La mise en concurrence est annulée.
La procédure de mise en concurrence est sans suite.
La délégation de service public est déclarée sans suite.
La procédure de concession est abandonnée.
Tous les lots sont annulés.
Tous les lots sont déclarés sans suite.
L'ensemble des lots est déclaré infructueux.
Les deux lots sont déclarés sans suite.
Le lot unique est déclaré sans suite.
Suite à une erreur matérielle, la consultation est annulée et sera relancée.
En raison d'une modification substantielle du besoin, la procédure est déclarée sans suite.
Pour des motifs d'intérêt général, le marché est déclaré sans suite.
L'acheteur a décidé de ne pas donner suite et de déclarer sans suite la procédure.
Par décision du 12 novembre 2026, la procédure est déclarée sans suite.
Par arrêté, le maire a déclaré sans suite la consultation.
La consultation publiée le 3 octobre est annulée.
Le marché de nettoyage des locaux est annulé.
La procédure relative à l'entretien des espaces verts est déclarée sans suite.
Merci de noter que la consultation est annulée.
Nous vous informons que le marché est annulé.
Les candidats sont informés que la procédure est déclarée sans suite.
Sans suite.
Infructueux.
Annulé.
Annulation.
Procédure sans suite
Le besoin a disparu : la consultation est annulée.
Insuffisance de concurrence : la procédure est déclarée sans suite.
L'accord-cadre est déclaré sans suite à la suite de l'évolution du besoin.
Nous annulons la consultation.
L'achat est abandonné.
""".strip().splitlines()

LOTS = """
Le lot 1 est annulé. = 1
Le lot n°1 est annulé. = 1
Le lot n° 2 est déclaré sans suite. = 2
Lot 3 : sans suite. = 3
Lot 3 infructueux. = 3
Le lot 04 est déclaré infructueux. = 4
Les lots 1 et 2 sont annulés. = 1 2
Les lots 1, 3 et 5 sont déclarés sans suite. = 1 3 5
Les lots n°1 et n°4 sont annulés. = 1 4
Les lots 1 à 3 sont annulés. = 1 2 3
Les lots n° 2 à 4 sont déclarés infructueux. = 2 3 4
Annulation du lot 2. = 2
Annulation des lots 2 et 6. = 2 6
Suppression du lot 5. = 5
Le lot 5 est supprimé de la consultation. = 5
Le lot 7 est retiré de la procédure. = 7
Le lot n°3 « Espaces verts » est déclaré sans suite. = 3
Le lot 2 (nettoyage) est annulé, les autres lots sont inchangés. = 2
Déclaration sans suite du lot 1. = 1
Déclaration sans suite du lot n°12. = 12
Le pouvoir adjudicateur a décidé de déclarer sans suite le lot 4. = 4
L'acheteur déclare infructueux le lot 2. = 2
Le lot 8 est abandonné. = 8
Il est mis fin à la procédure pour le lot 2. = 2
La procédure est déclarée sans suite pour le lot 3. = 3
La consultation est annulée pour le lot n°1. = 1
Le marché est déclaré infructueux pour les lots 1 et 3. = 1 3
Lot numéro 2 : annulé. = 2
LOT 1 ANNULE = 1
LOT N°6 : DÉCLARÉ SANS SUITE = 6
Le lot 2 est infructueux faute d'offre. = 2
Les lots 10 et 11 sont sans suite pour motif budgétaire. = 10 11
Le lot 1 ne sera pas attribué. = 1
Les lots 2 et 3 ne seront pas attribués. = 2 3
Le lot 2a est annulé. = 2a
Le lot 9 est annulé et fera l'objet d'une nouvelle consultation. = 9
Suite à une erreur dans le cahier des charges, le lot 3 est annulé. = 3
Par décision du maire, le lot 1 est déclaré sans suite. = 1
Au lieu de : 5 lots, lire : 4 lots, le lot 5 étant supprimé. = 5
Le lot n°2 est retiré de la consultation. = 2
Concernant le lot 4 : la procédure est déclarée sans suite. = 4
Abandon du lot 3. = 3
Le lot 1 est déclaré sans suite, le lot 2 est maintenu = 1
Les lots 1, 2, 3 sont annulés. = 1 2 3
Les lots n° 1 & 2 sont annulés. = 1 2
Le lot 3 de la présente consultation est annulé. = 3
La ville renonce au lot 6. = 6
Le lot 2 du marché de traiteur est déclaré infructueux. = 2
Annule le lot 4 : annulation décidée le 3 décembre. = 4
Les lots 4 ainsi que 7 sont annulés. = 4 7
""".strip().splitlines()

NOTHING = """
La visite est annulée.
Le rendez-vous de visite est annulé.
La visite du site prévue le 3 décembre est annulée.
La visite obligatoire est supprimée.
La visite du marché est annulée.
La réunion d'information est annulée.
La réunion de lancement du marché est annulée.
La séance de questions-réponses est annulée.
L'audition des candidats est annulée.
La permanence est annulée.
Le pouvoir adjudicateur peut à tout moment déclarer la procédure sans suite.
Le pouvoir adjudicateur se réserve le droit de déclarer sans suite la consultation.
L'acheteur se réserve la possibilité de ne pas donner suite et de déclarer sans suite.
La procédure pourra être déclarée sans suite.
La procédure peut être déclarée sans suite pour motif d'intérêt général.
En cas d'annulation de la consultation, les candidats ne seront pas indemnisés.
Si la procédure est déclarée sans suite, aucune indemnité n'est due.
Dans l'hypothèse où le lot 1 serait déclaré infructueux, il pourra être relancé.
Le lot 2 pourra être déclaré sans suite.
Un lot peut être déclaré infructueux si aucune offre n'est acceptable.
Les candidats ne peuvent prétendre à aucune indemnité si le marché est annulé.
Le présent avis annule et remplace le précédent.
Cet avis annule et remplace l'avis n° 26-12345.
Annule et remplace l'annonce du 3 novembre.
Le DCE annule et remplace la version précédente.
Le règlement de la consultation version 2 annule et remplace la version 1.
L'annexe 2 est supprimée.
L'annexe 3 est annulée et remplacée.
Le formulaire DC4 est supprimé du dossier.
La pièce n°4 du marché est retirée.
Le CCAP est retiré et remplacé.
L'article 5 du règlement est supprimé.
La clause de révision est supprimée.
Le critère « délai » est supprimé.
Le sous-critère 2 est supprimé.
La variante est supprimée.
Les variantes ne sont plus autorisées.
L'option 1 est supprimée.
La PSE 2 est annulée.
La tranche optionnelle est supprimée.
La question 12 est annulée.
La réponse à la question 3 est annulée.
L'exigence d'échantillons est supprimée.
La date limite est reportée au 15 décembre.
La date limite du 2 décembre est annulée, nouvelle date : 16 décembre.
L'heure limite est supprimée.
Le délai de validité est supprimé.
La ligne 12 du BPU est supprimée.
La mention « visite obligatoire » est supprimée.
La phrase « le lot est réservé » est retirée.
La procédure n'est pas annulée.
La consultation n'est pas déclarée sans suite.
Le marché est maintenu.
Le lot 1 n'est pas annulé.
La consultation est maintenue et la date reportée.
L'avis a été annulé par erreur : la consultation est maintenue.
Suite à l'infructuosité de la première consultation, le marché est relancé.
Marché passé après une procédure déclarée infructueuse.
Relance suite à une première consultation déclarée sans suite.
Consultation lancée après appel d'offres infructueux.
Marché négocié suite à un appel d'offres infructueux.
Le lot 2, précédemment déclaré infructueux, est relancé.
Le tribunal peut prononcer l'annulation du marché.
Recours en annulation : deux mois à compter de la publication.
Référé précontractuel avant la signature du contrat, recours en annulation ensuite.
La résiliation du marché n'ouvre droit à aucune indemnité.
L'annulation d'une commande doit être signalée 48 heures avant.
Toute commande annulée moins de 24 heures avant est due.
Les repas annulés la veille ne sont pas facturés.
La caution est supprimée.
La retenue de garantie est supprimée.
Les pénalités sont supprimées.
Le dépôt papier est supprimé.
L'obligation d'assurance est supprimée.
Les dossiers papier ne sont plus acceptés.
Les plis retirés sur la plateforme sont horodatés.
Les dossiers peuvent être retirés en mairie.
Le dossier de consultation est retiré gratuitement sur la plateforme.
Lire : le lot 2 comprend aussi la vitrerie.
Le montant du lot 3 est porté à 40 000 euros.
""".strip().splitlines()


def number_sets() -> list[tuple[str, cancellation.Withdrawn]]:
    """Every sentence with what it withdraws."""
    named = (line.rpartition(" = ") for line in LOTS)
    return [
        *((text, cancellation.Withdrawn(whole=True)) for text in WHOLE),
        *((text, cancellation.Withdrawn(lots=tuple(numbers.split()))) for text, _, numbers in named),
        *((text, cancellation.Withdrawn()) for text in NOTHING),
    ]


def test_of_two_hundred_sentences_what_each_withdraws_is_read() -> None:
    sentences = number_sets()
    wrong = [
        (text, cancellation.withdrawn(text))
        for text, meant in sentences
        if cancellation.withdrawn(text) != meant
    ]
    assert len(sentences) == 200
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(
    ("change", "nature", "gone"),
    [
        ("La consultation est annulée.", "cancellation", {"a", "b"}),
        ("Le lot 2 est annulé.", "correction", {"b"}),
        ("La visite est annulée. Le lot n° 01 est déclaré sans suite.", "correction", {"a"}),
        ("La visite est annulée.", "correction", set()),
    ],
)
def test_a_correction_withdraws_what_its_text_says(change: str, nature: str, gone: set[str]) -> None:
    lots = (Lot(id="a", title="Tonte", number="1"), Lot(id="b", title="Taille", number="Lot n°2"))
    call = Tender(id="1", format="boamp", title="Espaces verts", lots=lots)
    correction = cancellation.settled(
        Tender(id="2", format="boamp", title="Rectificatif", nature="correction", change=change)
    )
    assert correction.nature == nature
    assert procedure.effective(call, [correction])[1] == gone


def test_a_cancellation_by_its_form_withdraws_all_unless_it_names_lots() -> None:
    lots = (Lot(id="a", title="Tonte", number="1"), Lot(id="b", title="Taille", number="2"))
    call = Tender(id="1", format="boamp", title="Espaces verts", lots=lots)
    cancelled = Tender(id="2", format="boamp", title="Annulation", nature="cancellation")
    assert procedure.effective(call, [cancellation.settled(cancelled)])[1] == {"a", "b"}
    named = cancellation.settled(replace(cancelled, change="Lot 1 : sans suite."))
    assert procedure.effective(call, [named])[1] == {"a"}


def test_a_correction_is_part_of_the_notice_that_it_corrects() -> None:
    """The list of a structure, the notice by its id and the night tell one deadline, and every lot."""
    before, after = datetime(2026, 12, 18, 12, tzinfo=UTC), datetime(2027, 1, 4, 12, tzinfo=UTC)
    lots = tuple(Lot(id=f"LOT-{n}", number=str(n), title=f"lot {n}", deadline=before) for n in (1, 2, 3))
    call = Tender(id="26-1", format="boamp", title="Espaces verts", lots=lots, deadline=before, nature="call")
    moved = replace(call, id="26-2", nature="correction", related=("26-1",), deadline=after, lots=lots[:1])
    moved = replace(moved, lots=(replace(lots[0], deadline=after),))
    gone = replace(call, id="26-3", nature="cancellation", related=("26-2",), cancels=("2",), lots=())
    (told,) = answerable([call, moved, gone])
    assert (told.id, told.deadline) == ("26-1", after)
    assert [(lot.number, lot.deadline) for lot in told.lots] == [("1", after), ("3", after)]
    assert [one.id for one in answerable([moved])] == ["26-2"]  # what it corrects is not known
    over = [call, replace(gone, related=("26-1",), cancels=())]
    assert answerable(over) == []
    (cancelled,) = procedure.in_force(over)  # it can still be read, as what it is
    assert (cancelled.id, cancelled.nature, cancelled.lots) == ("26-1", "cancellation", lots)
    assert procedure.by_id([cancelled])["26-3"] is cancelled and "annulé (26-3)" in procedure.remark(
        cancelled
    )
    assert procedure.by_id([told])["26-2"] is told and "26-2, 26-3" in procedure.remark(told)
