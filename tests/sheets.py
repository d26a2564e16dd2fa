"""Twenty lists of structures as networks, departments and chambers keep them, each with what a reader should find.

All of it is invented; the SIRETs pass their check sums and begin with 000, which belong to nobody.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matcher.domain import Structure, Zone
from matcher.reference.identifiers import luhn, siret_valid
from matcher.reference.text import fold

Grid = Sequence[Sequence[Any]]


def siret(number: int, office: int = 1) -> str:
    """A SIRET that passes both check sums and belongs to nobody."""
    siren = next(s for last in "0123456789" if luhn(s := f"000{number:05d}{last}"))
    return next(s for last in "0123456789" if siret_valid(s := f"{siren}{office:04d}{last}"))


@dataclass(frozen=True)
class Sheet:
    """A file, and the fields of each structure in it; `left_out` counts rows that are no structure but look like one."""

    name: str
    content: bytes
    truth: tuple[dict[str, Any], ...]


def measured(sheet: Sheet, structures: Sequence[Structure]) -> tuple[int, int, list[str]]:
    """(fields read right, fields stated, what was read wrong); a structure that is not in the sheet is one wrong field."""
    right, stated, wrong = 0, 0, []
    by_key: dict[tuple[str, str], Structure] = {}
    for one in structures:
        by_key.setdefault((one.siret, one.kind), one)
        by_key.setdefault((one.siret, ""), one)
    for fields in sheet.truth:
        key = (fields["siret"], fields.get("kind", ""))
        one = by_key.get(key) or by_key.get((fields["siret"], ""))
        for field, value in fields.items():
            stated += 1
            if one is not None and _CHECKS.get(field, _same)(one, field, value):
                right += 1
            else:
                wrong.append(f"{sheet.name} {fields['siret'][3:8]} {field}: {value!r}")
    extra = {one.siret for one in structures} - {fields["siret"] for fields in sheet.truth}
    wrong += [f"{sheet.name}: {number} is no structure of it" for number in extra]
    return right, stated + len(extra), wrong


def _same(one: Structure, field: str, value: Any) -> bool:
    found = getattr(one, field)
    return found == value if not isinstance(value, str) else fold(str(found or "")) == fold(value)


def _digits(one: Structure, field: str, value: Any) -> bool:
    return "".join(filter(str.isdigit, getattr(one, field))) == "".join(filter(str.isdigit, value))


def _says(one: Structure, _: str, value: Any) -> bool:
    texts = [fold(one.description), *(fold(f"{offer.title} {offer.text}") for offer in one.offers)]
    return all(any(fold(part) in text for text in texts) for part in value)


def _stands(one: Structure, _: str, value: Any) -> bool:
    return fold(one.place.label) == fold(value) and one.place.commune is not None


def _areas(zone: Zone) -> tuple[Any, ...]:
    return zone.radius_km, set(zone.departments), set(zone.regions), zone.country


_CHECKS: dict[str, Callable[[Structure, str, Any], bool]] = {
    "phone": _digits, "does": _says, "town": _stands, "department": lambda s, _, v: s.place.department == v,
    "zone": lambda s, _, v: s.zone is not None and _areas(s.zone) == _areas(v),
    "flag": lambda s, _, v: any(flag.startswith(v) for flag in s.flags),
}  # fmt: skip


# ------------------------------------------------------------------------------------------------ how files are made


def workbook(*sheets: tuple[str, Grid], merged: Sequence[str] = (), hidden: Sequence[str] = ()) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for title, grid in sheets:
        sheet = book.create_sheet(title)
        for row in grid:
            sheet.append(list(row))
        for cells in merged if title == sheets[0][0] else ():
            sheet.merge_cells(cells)
        if title in hidden:
            sheet.sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def csv_bytes(grid: Grid, delimiter: str = ";", encoding: str = "utf-8") -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerows(grid)
    return buffer.getvalue().encode(encoding, errors="replace")


def spaced(number: str) -> str:
    return f"{number[:3]} {number[3:6]} {number[6:9]} {number[9:]}"


# ----------------------------------------------------------------------------------------------------- the twenty


def _network_of_members() -> Sheet:
    a, b, c = siret(101), siret(102), siret(103)
    grid = [
        ["Liste des adhérents du réseau – Bretagne"],
        ["Mise à jour : 12/01/2026"],
        [],
        ["Adhérent", "Type de SIAE", "N° SIRET", "Adresse", "CP", "Ville", "Tél. / mobile", "Mail", "Activités", "Territoire d'intervention"],
        ["Les Ajoncs", "ACI", spaced(a), "3 rue du Four", 35200, "Rennes", "02 99 00 00 01", "contact@ajoncs.example", "Maraîchage, espaces verts", "Pays de Rennes"],
        ["Breizh Propreté", "E.I.", spaced(b), "ZA de la Lande", 29000, "Quimper", "02.98.00.00.02 / 06 00 00 00 02", "info@bzh.example", "Nettoyage de locaux", "Département"],
        ["Trégor Services", "Asso intermédiaire", spaced(c), "1 place du Centre", 22300, "Lannion", "0296000003", "tregor@services.example", "Mise à disposition de personnel", "22 et 29"],
        ["Total : 3"],
    ]  # fmt: skip
    return Sheet("reseau_adherents.xlsx", workbook(("Adhérents 2026", grid), merged=("A1:J1",)), (
        dict(siret=a, name="Les Ajoncs", kind="ACI", town="Rennes", department="35", phone="0299000001", email="contact@ajoncs.example", does=["maraîchage", "espaces verts"], address="3 rue du Four"),
        dict(siret=b, name="Breizh Propreté", kind="EI", town="Quimper", department="29", phone="0298000002", email="info@bzh.example", does=["nettoyage de locaux"], zone=Zone(departments=("29",))),
        dict(siret=c, name="Trégor Services", kind="AI", town="Lannion", phone="0296000003", does=["mise à disposition"], zone=Zone(departments=("22", "29"))),
    ))  # fmt: skip


def _county_guide() -> Sheet:
    a, b = siret(111), siret(112)
    grid = [
        ["Nom de la SIAE", "SIAE", "SIRET", "Commune", "Communes d'intervention", "Téléphone 1", "Téléphone 2", "Contact", "Courriel", "Secteurs d'activité"],
        ["Chantier du Val", "ACI", a, "Laon", "Laon, Soissons, Tergnier", "", "06 00 00 01 11", "Mme Durand", "val@chantier.example", "Second œuvre du bâtiment"],
        ["Aisne Intérim Solidaire", "ETT d'insertion", b, "Soissons", "Tout le département", "03 23 00 01 12", "", "M. Petit", "agence@ais.example", "Logistique / Bâtiment"],
    ]  # fmt: skip
    return Sheet("guide_departement.csv", csv_bytes(grid, encoding="cp1252"), (
        dict(siret=a, name="Chantier du Val", kind="ACI", town="Laon", phone="0600000111", email="val@chantier.example", does=["second œuvre"], department="02"),
        dict(siret=b, name="Aisne Intérim Solidaire", kind="ETTI", town="Soissons", phone="0323000112", email="agence@ais.example", zone=Zone(departments=("02",))),
    ))  # fmt: skip


def _directory_of_esat() -> Sheet:
    a, b = siret(121), siret(122)
    grid = [
        ["Organisme gestionnaire", "Nom de l'ESAT", "N° FINESS", "SIRET ESAT", "Nb de places", "Adresse", "CP Ville", "Tél", "E-mail", "Activités proposées"],
        ["APEI d'Ici", "Les Ateliers du Lac", "740000001", a, 85, "12 chemin des Prés", "74000 ANNECY", "04 50 00 01 21", "lac@apei.example", "Conditionnement ; Blanchisserie ; Espaces verts"],
        ["APEI d'Ici", "Le Mont", "740000002", b, 40, "4 rue Haute", "73000 Chambéry", "04 79 00 01 22", "mont@apei.example", "Restauration, traiteur"],
    ]  # fmt: skip
    return Sheet("esat_savoie.xlsx", workbook(("ESAT", grid)), (
        dict(siret=a, name="Les Ateliers du Lac", kind="ESAT", town="Annecy", department="74", phone="0450000121", email="lac@apei.example", does=["conditionnement", "blanchisserie", "espaces verts"], headcount=85.0),
        dict(siret=b, name="Le Mont", kind="ESAT", town="Chambéry", department="73", phone="0479000122", does=["restauration"], headcount=40.0),
    ))  # fmt: skip


def _associations_of_a_town() -> Sheet:
    a, b = siret(131), siret(132)
    grid = [
        ["Nom de l'association", "Siret", "Objet de l'association", "Ville", "Dpt", "Portable", "E-mail", "Site internet"],
        ["Le Fil d'Ariane", a, "Couture, retouche et recyclage textile", "Roubaix", "59", "06.00.00.01.31", "fil@ariane.example", "www.ariane.example"],
        ["Vélo pour tous", b, "Réparation de cycles", "Tourcoing", "59", "06.00.00.01.32", "velo@tous.example", "https://velo.example"],
    ]  # fmt: skip
    return Sheet("associations.csv", csv_bytes(grid, ","), (
        dict(siret=a, name="Le Fil d'Ariane", town="Roubaix", department="59", phone="0600000131", email="fil@ariane.example", website="www.ariane.example", does=["recyclage textile"]),
        dict(siret=b, name="Vélo pour tous", town="Tourcoing", phone="0600000132", website="https://velo.example", does=["réparation de cycles"]),
    ))  # fmt: skip


def _chamber() -> Sheet:
    a, b = siret(141), siret(142)
    grid = [
        ["SIREN", "NIC", "Dénomination", "Sigle", "Famille ESS", "Activité principale", "Libellé NAF", "Effectif salarié", "Code postal", "Commune", "Mobile"],
        [a[:9], a[9:], "ENTREPRISE VERTE DU MIDI", "EVM", "Coopérative", "81.30Z", "Services d'aménagement paysager", 12, "34000", "MONTPELLIER", "0600000141"],
        [b[:9], b[9:], "FONDATION DES QUAIS", "FQ", "Fondation", "88.99B", "Action sociale sans hébergement", 30, "34200", "SETE", "0600000142"],
    ]  # fmt: skip
    return Sheet("chambre_regionale.csv", csv_bytes(grid), (
        dict(siret=a, name="ENTREPRISE VERTE DU MIDI", kind="ESS", naf="8130Z", headcount=12.0, town="MONTPELLIER", phone="0600000141", department="34"),
        dict(siret=b, name="FONDATION DES QUAIS", kind="FONDATION", naf="8899B", headcount=30.0, department="34", phone="0600000142"),
    ))  # fmt: skip


def _ticked_trades() -> Sheet:
    a, b, c = siret(151), siret(152), siret(153)
    grid = [
        ["Structure", None, None, "Contact", None, None, "Activités", None, None, None],
        ["Nom", "Type", "SIRET", "Responsable", "Tél", "Mail", "Espaces verts", "Nettoyage", "Blanchisserie", "Mise sous pli"],
        ["Pré Vert", "EA", a, "A. Morel", "01 60 00 01 51", "a@previert.example", "x", "", "", "x"],
        ["Net et Clair", "EI", b, "B. Roux", "01 60 00 01 52", "b@net.example", "", "X", "", ""],
        ["Le Lavoir", "ESAT", c, "C. Blanc", "01 60 00 01 53", "c@lavoir.example", "", "x", "x", "x"],
    ]  # fmt: skip
    return Sheet("qui_fait_quoi.xlsx", workbook(("Qui fait quoi", grid), merged=("A1:C1", "D1:F1", "G1:J1")), (
        dict(siret=a, name="Pré Vert", kind="EA", phone="0160000151", email="a@previert.example", does=["espaces verts", "mise sous pli"]),
        dict(siret=b, name="Net et Clair", kind="EI", phone="0160000152", does=["nettoyage"]),
        dict(siret=c, name="Le Lavoir", kind="ESAT", phone="0160000153", does=["nettoyage", "blanchisserie", "mise sous pli"]),
    ))  # fmt: skip


def _a_sheet_a_kind() -> Sheet:
    a, b, c = siret(161), siret(162), siret(163)
    head = ["Nom", "N°SIRET", "Commune", "Téléphone", "Domaines d'activité"]
    return Sheet("siae_par_type.xlsx", workbook(
        ("Lisez-moi", [["Ce fichier liste les SIAE conventionnées."], ["Contact : ddets@exemple.example"]]),
        ("ACI", [head, ["Jardin d'Oc", a, "Albi", "05 63 00 01 61", "Maraîchage biologique"]]),
        ("EI", [head, ["Recycl'Oc", b, "Castres", "05 63 00 01 62", "Tri de déchets"]]),
        ("Associations intermédiaires", [head, ["Coup de main", c, "Gaillac", "05 63 00 01 63", "Ménage, jardinage"], ["Total", "", 1, "", ""]]),
    ), (
        dict(siret=a, name="Jardin d'Oc", kind="ACI", town="Albi", phone="0563000161", does=["maraîchage"]),
        dict(siret=b, name="Recycl'Oc", kind="EI", town="Castres", phone="0563000162", does=["tri de déchets"]),
        dict(siret=c, name="Coup de main", kind="AI", town="Gaillac", phone="0563000163", does=["jardinage"]),
    ))  # fmt: skip


def _several_rows_a_structure() -> Sheet:
    a, b = siret(171), siret(172)
    grid = [
        ["Structure", "Type de structure", "SIRET", "Ville", "Prestation", "Secteur géographique"],
        ["Relais 54", "EI", a, "Nancy", "Collecte de textiles", "Meurthe-et-Moselle"],
        ["", "", "", "", "Tri et vente de vêtements", ""],
        ["", "", "", "", "Déménagement social", ""],
        ["Bois et Cie", "ACI", b, "Toul", "Menuiserie", "30 km autour de Toul"],
        ["", "", "", "", "Rénovation de meubles", ""],
        [],
        ["Source : enquête 2025 auprès des structures"],
    ]  # fmt: skip
    return Sheet("prestations.xlsx", workbook(("Feuil1", grid), merged=("A2:A4", "B2:B4", "C2:C4", "D2:D4")), (
        dict(siret=a, name="Relais 54", kind="EI", town="Nancy", does=["collecte de textiles", "vente de vêtements", "déménagement social"], zone=Zone(departments=("54",))),
        dict(siret=b, name="Bois et Cie", kind="ACI", town="Toul", does=["menuiserie", "rénovation de meubles"], zone=Zone(radius_km=30)),
    ))  # fmt: skip


def _export_with_preamble() -> Sheet:
    a, b = siret(181), siret(182)
    grid = [
        ["Export du 03/02/2026 - extranet", "", "", "", "", "", "", ""],
        ["Filtre : actif = oui", "", "", "", "", "", "", ""],
        ["", "", "", "", "", "", "", ""],
        ["ID", "Etablissement", "Catégorie", "Num. SIRET", "Adresse complète", "Tel. fixe", "Courriel contact", "Savoir-faire"],
        ["1", "ESAT du Parc", "Établissement et service d'aide par le travail", a, "8 allée du Parc 49000 Angers", "0241000181", "parc@esat.example", "Sous-traitance industrielle"],
        ["2", "EA Loire", "Entreprise Adaptée", b, "2 quai Sud, 44000 NANTES", "0240000182", "loire@ea.example", "Numérisation de documents"],
        ["", "2 établissements", "", "", "", "", "", ""],
    ]  # fmt: skip
    return Sheet("export_extranet.csv", csv_bytes(grid, ";", "cp1252"), (
        dict(siret=a, name="ESAT du Parc", kind="ESAT", department="49", town="Angers", phone="0241000181", email="parc@esat.example", does=["sous-traitance industrielle"]),
        dict(siret=b, name="EA Loire", kind="EA", department="44", town="Nantes", phone="0240000182", does=["numérisation"]),
    ))  # fmt: skip


def _kinds_as_written() -> Sheet:
    written = (
        ("E.I.", "EI"), ("ETT d'insertion", "ETTI"), ("Asso intermédiaire", "AI"), ("Chantier d'insertion (ACI)", "ACI"), ("EATT", "EATT"),
        ("A.I.", "AI"), ("Entr. d'insertion", "EI"), ("ateliers chantiers insertion", "ACI"), ("Ent. adaptée", "EA"), ("GEIQ BTP", "GEIQ"),
    )  # fmt: skip
    rows = [[siret(190 + n), f"Structure {n}", word, "Metz"] for n, (word, _) in enumerate(written)]
    both, quarter, ebe, siae, other = (siret(n) for n in (1901, 1902, 1903, 1904, 1905))
    rows += [
        [both, "Deux en un", "AI/ACI", "Metz"], [quarter, "Quartier Nord", "Régie de quartier", "Metz"],
        [ebe, "Emploi pour tous", "EBE", "Metz"], [siae, "Une SIAE", "SIAE", "Metz"], [other, "Le Lieu", "Tiers-lieu", "Metz"],
    ]  # fmt: skip
    truth = [
        dict(siret=siret(190 + n), name=f"Structure {n}", kind=kind) for n, (_, kind) in enumerate(written)
    ]
    truth += [dict(siret=both, kind="AI"), dict(siret=both, kind="ACI"), dict(siret=quarter, kind="ESS"), dict(siret=ebe, kind="ESS"),
              dict(siret=siae, kind="SIAE", flag="kind-unknown"), dict(siret=other, kind="Tiers-lieu", flag="kind-unknown")]  # fmt: skip
    return Sheet(
        "conventionnees.csv",
        csv_bytes([["Siret", "Raison sociale", "Conventionnée en tant que", "Commune"], *rows]),
        tuple(truth),
    )


def _headings_that_say_nothing() -> Sheet:
    rows = [
        [
            siret(201),
            "Menuiserie Solidaire",
            "EI",
            "menuiserie@sol.example",
            "03 80 00 02 01",
            "21000",
            "Dijon",
        ],
        [
            siret(202),
            "Le Potager Partagé",
            "ACI",
            "potager@part.example",
            "03 80 00 02 02",
            "21200",
            "Beaune",
        ],
        [
            siret(203),
            "Intérim Côte d'Or",
            "ETTI",
            "interim@cote.example",
            "03 80 00 02 03",
            "21300",
            "Chenôve",
        ],
    ]
    head = [f"Champ {n}" for n in range(1, 8)]
    return Sheet("champs.csv", csv_bytes([head, *rows]), tuple(
        dict(siret=r[0], name=r[1], kind=r[2], email=r[3], phone=r[4], department="21", town=r[6]) for r in rows
    ))  # fmt: skip


def _no_headings() -> Sheet:
    rows = [
        ["La Clé des Champs", siret(211), "ACI", "63000", "Clermont-Ferrand", "04 73 00 02 11"],
        ["Auvergne Recyclage", siret(212), "EI", "63200", "Riom", "04 73 00 02 12"],
        ["ESAT des Volcans", siret(213), "ESAT", "63500", "Issoire", "04 73 00 02 13"],
    ]
    return Sheet("sans_titres.csv", csv_bytes(rows), tuple(
        dict(siret=r[1], name=r[0], kind=r[2], department="63", town=r[4], phone=r[5]) for r in rows
    ))  # fmt: skip


def _numbers_of_a_spreadsheet() -> Sheet:
    a, b = siret(221), siret(222)
    grid = [
        [
            "Nom structure",
            "SIRET",
            "Type",
            "Code Postal",
            "Ville",
            "Téléphone",
            "Effectifs (ETP)",
            "Prestations",
        ],
        ["Jura Bois", a, "EI", 1000, "Bourg-en-Bresse", 474000221, 17.5, "Palettes et caisses en bois"],
        ["Ain Services", b, "AI", 1100, "Oyonnax", 600000222, 9, "Ménage"],
    ]
    return Sheet("nombres.xlsx", workbook(("Base", grid)), (
        dict(siret=a, name="Jura Bois", kind="EI", department="01", town="Bourg-en-Bresse", phone="0474000221", headcount=17.5, does=["palettes"]),
        dict(siret=b, name="Ain Services", kind="AI", department="01", town="Oyonnax", phone="0600000222", headcount=9.0, does=["ménage"]),
    ))  # fmt: skip


def _zones_as_written() -> Sheet:
    zones: tuple[tuple[str, Zone], ...] = (
        ("Département", Zone(departments=("35",))),
        ("35 et limitrophes", Zone(departments=("35", "22", "44", "49", "50", "53", "56"))),
        ("Région Bretagne", Zone(regions=("53",))),
        ("Régional", Zone(regions=("53",))),
        ("Ille et Vilaine (35), Côtes d'Armor (22)", Zone(departments=("35", "22"))),
        ("National", Zone(country=True)),
        ("50 kms autour de Rennes", Zone(radius_km=50)),
        ("Département 35", Zone(departments=("35",))),
        ("Bretagne et Pays de la Loire", Zone(regions=("53", "52"))),
    )  # fmt: skip
    rows = [
        [f"Zone {n}", siret(230 + n), "EI", "35000", "Rennes", words] for n, (words, _) in enumerate(zones)
    ]
    rows.append(["Zone floue", siret(2399), "EI", "35000", "Rennes", "Nous consulter"])
    head = ["Nom", "Siret", "Type", "CP", "Ville", "Périmètre géographique"]
    truth = [dict(siret=siret(230 + n), kind="EI", zone=zone) for n, (_, zone) in enumerate(zones)]
    return Sheet(
        "perimetres.csv", csv_bytes([head, *rows]), (*truth, dict(siret=siret(2399), flag="zone-unread"))
    )


def _labelled_values() -> Sheet:
    a, b = siret(241), siret(242)
    grid = [
        ["STRUCTURE", "IMMATRICULATION", "STATUT", "COORDONNÉES", "WEB", "CŒUR DE MÉTIER"],
        ["Le Bon Coin Vert", f"SIRET : {spaced(a)}", "SCIC", "Tél : 05 56 00 02 41", "boncoinvert.example", "Paysage et élagage"],
        ["Gironde Traiteur", f"SIRET : {spaced(b)}", "SCOP", "Tél : 05 56 00 02 42", "traiteur33.example", "Buffets et repas"],
    ]  # fmt: skip
    return Sheet("cooperatives.xlsx", workbook(("Coops", grid)), (
        dict(siret=a, name="Le Bon Coin Vert", kind="SCIC", phone="0556000241", website="boncoinvert.example", does=["élagage"]),
        dict(siret=b, name="Gironde Traiteur", kind="SCOP", phone="0556000242", website="traiteur33.example", does=["buffets"]),
    ))  # fmt: skip


def _sections_and_subtotals() -> Sheet:
    a, b, c = siret(251), siret(252), siret(253)
    grid = [
        ["Entreprises d'insertion et associations de Normandie", "", "", "", ""],
        ["Nom de l'entreprise", "SIRET", "Ville", "Tél.", "Activité"],
        ["ENTREPRISES D'INSERTION", "", "", "", ""],
        ["Normandie Bâtiment", a, "Caen", "02 31 00 02 51", "Peinture, plâtrerie"],
        ["Pays d'Auge Propreté", b, "Lisieux", "02 31 00 02 52", "Nettoyage"],
        ["Sous-total : 2", "", "", "", ""],
        ["ASSOCIATIONS INTERMÉDIAIRES", "", "", "", ""],
        ["Bessin Emploi", c, "Bayeux", "02 31 00 02 53", "Jardinage"],
        ["Sous-total : 1", "", "", "", ""],
        ["TOTAL GÉNÉRAL", "3", "", "", ""],
    ]
    return Sheet("normandie.xlsx", workbook(("Liste", grid)), (
        dict(siret=a, name="Normandie Bâtiment", kind="EI", town="Caen", phone="0231000251", does=["peinture"]),
        dict(siret=b, name="Pays d'Auge Propreté", kind="EI", town="Lisieux", does=["nettoyage"]),
        dict(siret=c, name="Bessin Emploi", kind="AI", town="Bayeux", phone="0231000253", does=["jardinage"]),
    ))  # fmt: skip


def _employers_groups() -> Sheet:
    a, b = siret(261), siret(262)
    grid = [
        ["GEIQ", "Président", "Directeur", "Siège social", "Siret du GEIQ", "Ligne directe", "Adresse électronique", "Métiers et qualifications"],
        ["GEIQ Propreté Centre", "P. Un", "D. Deux", "10 rue Neuve 45000 Orléans", a, "02 38 00 02 61", "geiq@prop.example", "Agent de propreté"],
        ["GEIQ BTP Touraine", "P. Trois", "D. Quatre", "5 rue Vieille 37000 Tours", b, "02 47 00 02 62", "geiq@btp.example", "Maçon, coffreur"],
    ]  # fmt: skip
    return Sheet("geiq.csv", csv_bytes(grid, "\t"), (
        dict(siret=a, name="GEIQ Propreté Centre", kind="GEIQ", town="Orléans", phone="0238000261", email="geiq@prop.example", does=["propreté"]),
        dict(siret=b, name="GEIQ BTP Touraine", kind="GEIQ", town="Tours", phone="0247000262", does=["maçon"]),
    ))  # fmt: skip


def _in_english() -> Sheet:
    a, b = siret(271), siret(272)
    grid = [
        ["Organisation", "Type", "Registration no. (SIRET)", "Phone number", "Website", "Services offered", "Area served"],
        ["Green Hands", "ACI", a, "+33 1 40 00 02 71", "https://green.example", "Gardening; recycling", "Paris, Seine-Saint-Denis"],
        ["Clean Team", "EI", b, "+33 (0)1 40 00 02 72", "https://clean.example", "Office cleaning", "Île-de-France"],
    ]  # fmt: skip
    return Sheet("members_en.csv", csv_bytes(grid, ","), (
        dict(siret=a, name="Green Hands", kind="ACI", phone="0140000271", website="https://green.example", does=["gardening", "recycling"], zone=Zone(departments=("75", "93"))),
        dict(siret=b, name="Clean Team", kind="EI", phone="0140000272", does=["office cleaning"], zone=Zone(regions=("11",))),
    ))  # fmt: skip


def _export_of_an_application() -> Sheet:
    a, b = siret(281), siret(282)
    rows = [
        {"nomAssociation": "Ressourcerie du Lez", "numSiret": a, "typeStructure": "aci", "codePostal": "34170", "nomVille": "Castelnau-le-Lez", "telephonePortable": "06 00 00 02 81", "adresseMail": "lez@ress.example", "listeActivites": ["Réemploi", "Débarras"]},
        {"nomAssociation": "Cuisine du Monde", "numSiret": b, "typeStructure": "ei", "codePostal": "34000", "nomVille": "Montpellier", "telephonePortable": "06 00 00 02 82", "adresseMail": "cuisine@monde.example", "listeActivites": ["Traiteur"]},
    ]  # fmt: skip
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return Sheet("export_appli.jsonl", text.encode(), (
        dict(siret=a, name="Ressourcerie du Lez", kind="ACI", town="Castelnau-le-Lez", phone="0600000281", email="lez@ress.example", does=["réemploi", "débarras"]),
        dict(siret=b, name="Cuisine du Monde", kind="EI", town="Montpellier", phone="0600000282", email="cuisine@monde.example", does=["traiteur"]),
    ))  # fmt: skip


def _answers_to_a_form() -> Sheet:
    a, b = siret(291), siret(292)
    grid = [
        ["Horodateur", "Quel est le nom de votre structure ?", "Quel est votre numéro SIRET ?", "Êtes-vous une EI, un ACI, une AI, une ETTI, un ESAT ou une EA ?", "Dans quelle commune êtes-vous ?", "Quelles prestations proposez-vous ?", "Jusqu'où intervenez-vous ?", "Adresse e-mail", "Votre numéro de téléphone", "Acceptez-vous d'être recontacté ?"],
        ["12/01/2026 09:14:22", "La Bobine", a, "Atelier et chantier d'insertion", "Grenoble", "Nous faisons de la couture et du repassage", "20 km", "bobine@bob.example", "04 76 00 02 91", "Oui"],
        ["13/01/2026 17:02:10", "Alpes Net", b, "Entreprise d'insertion", "Voiron", "Nettoyage de bureaux, remise en état", "Isère et Savoie", "net@alpes.example", "0476000292", "Oui"],
    ]  # fmt: skip
    return Sheet("reponses_formulaire.csv", csv_bytes(grid, ","), (
        dict(siret=a, name="La Bobine", kind="ACI", town="Grenoble", phone="0476000291", email="bobine@bob.example", does=["couture"], zone=Zone(radius_km=20)),
        dict(siret=b, name="Alpes Net", kind="EI", town="Voiron", phone="0476000292", email="net@alpes.example", does=["nettoyage de bureaux"], zone=Zone(departments=("38", "73"))),
    ))  # fmt: skip


TWENTY: tuple[Callable[[], Sheet], ...] = (
    _network_of_members, _county_guide, _directory_of_esat, _associations_of_a_town, _chamber, _ticked_trades, _a_sheet_a_kind,
    _several_rows_a_structure, _export_with_preamble, _kinds_as_written, _headings_that_say_nothing, _no_headings,
    _numbers_of_a_spreadsheet, _zones_as_written, _labelled_values, _sections_and_subtotals, _employers_groups, _in_english,
    _export_of_an_application, _answers_to_a_form,
)  # fmt: skip


# ---------------------------------------------------------------- more, kept apart while the reader was written


def _house_of_employment() -> Sheet:
    a, b = siret(301), siret(302)
    grid = [
        ["MAISON DE L'EMPLOI – RÉPERTOIRE 2026", None, None, None, None, None, None],
        [None] * 7,
        ["Dénomination de la structure", "Agrément", "Identifiant SIRET", "Localité", "Tél. accueil", "Domaine(s) d'intervention", "Zone couverte"],
        ["Atelier du Sel", "Atelier et Chantier d'Insertion", a, "La Rochelle (17)", "05.46.00.03.01", "Entretien des marais\nEspaces naturels", "CdA de La Rochelle"],
        ["Aunis Emploi", "Association Intermédiaire", b, "Surgères (17)", "05.46.00.03.02", "Ménage\nManutention", "Charente-Maritime"],
        ["Nombre de structures : 2", None, None, None, None, None, None],
    ]  # fmt: skip
    return Sheet("repertoire.xlsx", workbook(("Répertoire", grid), ("Codes", [["Code", "Libellé"], ["ACI", "Chantier"]]), hidden=("Codes",)), (
        dict(siret=a, name="Atelier du Sel", kind="ACI", department="17", phone="0546000301", does=["entretien des marais", "espaces naturels"]),
        dict(siret=b, name="Aunis Emploi", kind="AI", department="17", phone="0546000302", does=["manutention"], zone=Zone(departments=("17",))),
    ))  # fmt: skip


def _buyers_list() -> Sheet:
    a, b = siret(311), siret(312)
    grid = [
        ["Fournisseur", "N° Siret fournisseur", "Type d'ESS", "Adresse 1", "Adresse 2", "Code postal fournisseur", "Ville fournisseur", "Interlocuteur", "Tél interlocuteur", "Mail interlocuteur", "Nature des prestations"],
        ["Papier Solidaire", a, "EA", "ZI Nord", "BP 12", "67000", "Strasbourg", "Mme Klein", "0388000311", "klein@papier.example", "Impression, façonnage"],
        ["Vosges Palettes", b, "ESAT", "2 route Neuve", "", "88000", "Épinal", "M. Thomas", "0329000312", "thomas@palettes.example", "Palettes"],
    ]  # fmt: skip
    return Sheet("fournisseurs_ess.csv", csv_bytes(grid, ";", "cp1252"), (
        dict(siret=a, name="Papier Solidaire", kind="EA", department="67", town="Strasbourg", phone="0388000311", email="klein@papier.example", does=["impression"]),
        dict(siret=b, name="Vosges Palettes", kind="ESAT", department="88", town="Épinal", phone="0329000312", email="thomas@palettes.example", does=["palettes"]),
    ))  # fmt: skip


def _federation() -> Sheet:
    a, b = siret(321), siret(322)
    grid = [
        ["Région", "Dép.", "Entreprise adhérente", "Forme", "SIRET (14 chiffres)", "Ville du siège", "Contact tél.", "Contact mail", "Site", "Présentation de l'activité"],
        ["Occitanie", "31", "Garonne Insertion", "EI", a, "Toulouse", "05 61 00 03 21", "contact@garonne.example", "garonne.example", "Démolition et curage avant travaux"],
        ["Occitanie", "65", "Bigorre Intérim", "ETTI", b, "Tarbes", "05 62 00 03 22", "contact@bigorre.example", "", "Intérim d'insertion"],
    ]  # fmt: skip
    return Sheet("federation.xlsx", workbook(("Adhérents", grid)), (
        dict(siret=a, name="Garonne Insertion", kind="EI", department="31", town="Toulouse", phone="0561000321", email="contact@garonne.example", website="garonne.example", does=["démolition"]),
        dict(siret=b, name="Bigorre Intérim", kind="ETTI", department="65", town="Tarbes", phone="0562000322", does=["intérim d'insertion"]),
    ))  # fmt: skip


def _prison_and_city() -> Sheet:
    a, b = siret(331), siret(332)
    grid = [
        ["nom_usuel", "siret", "categorie_juridique", "labels", "cp_commune", "commune", "tel1", "tel2", "e_mail", "activite_1", "activite_2", "rayon_km"],
        ["Atelier Nord", a, "SCOP", "ESUS", "62000", "Arras", "0321000331", "", "nord@atelier.example", "Cartonnage", "Routage", "40"],
        ["Atelier Sud", b, "SCIC", "", "62100", "Calais", "", "0600000332", "sud@atelier.example", "Peinture", "", "25"],
    ]  # fmt: skip
    return Sheet("extraction_sig.csv", csv_bytes(grid, ","), (
        dict(siret=a, name="Atelier Nord", kind="SCOP", department="62", phone="0321000331", does=["cartonnage", "routage"], zone=Zone(radius_km=40)),
        dict(siret=b, name="Atelier Sud", kind="SCIC", town="Calais", phone="0600000332", does=["peinture"], zone=Zone(radius_km=25)),
    ))  # fmt: skip


def _plain_sheet() -> Sheet:
    a, b = siret(341), siret(342)
    grid = [
        ["Qui", "Quoi", "Où", "Combien", "Numéro", "Joindre"],
        [
            "Ferme des Lices",
            "Légumes de saison, paniers",
            "13200 Arles",
            "14 salariés",
            a,
            "ferme@lices.example",
        ],
        [
            "Lavandiers",
            "Blanchisserie pour hôtels",
            "84000 Avignon",
            "22 salariés",
            b,
            "bonjour@lavandiers.example",
        ],
    ]
    return Sheet("qui_quoi_ou.xlsx", workbook(("Feuille 1", grid)), (
        dict(siret=a, name="Ferme des Lices", town="Arles", department="13", email="ferme@lices.example", does=["légumes"]),
        dict(siret=b, name="Lavandiers", town="Avignon", department="84", email="bonjour@lavandiers.example", does=["blanchisserie"]),
    ))  # fmt: skip


OTHERS: tuple[Callable[[], Sheet], ...] = (
    _house_of_employment,
    _buyers_list,
    _federation,
    _prison_and_city,
    _plain_sheet,
)
