"""Eighteen more lists of strangers: associations, departments, chambers, ESAT, GEIQ, exports, surveys, and horrible ones.

Written six by six, each six before the reader was mended for it.  All is invented, as in `sheets`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from xml.sax.saxutils import escape

from matcher.domain import Zone
from sheets import Grid, Sheet, csv_bytes, siret, spaced, workbook


def ods(*tables: tuple[str, Grid]) -> bytes:
    """OpenDocument as LibreOffice writes it: repeated cells and rows, a paragraph a line."""
    out = []
    for title, grid in tables:
        rows = []
        for row in grid:
            cells = []
            for cell in row:
                texts = "".join(f"<text:p>{escape(part)}</text:p>" for part in str(cell).split("\n") if part)
                kind = "float" if isinstance(cell, int | float) else "string"
                value = f' office:value="{cell}"' if kind == "float" else ""
                cells.append(
                    f'<table:table-cell office:value-type="{kind}"{value}>{texts}</table:table-cell>'
                )
            cells.append('<table:table-cell table:number-columns-repeated="1014"/>')
            rows.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
        rows.append(
            '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
        )
        out.append(f'<table:table table:name="{escape(title)}">{"".join(rows)}</table:table>')
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    names = " ".join(f'xmlns:{part}="{urn}:{part}:1.0"' for part in ("office", "table", "text"))
    content = f"<office:document-content {names}><office:body><office:spreadsheet>{''.join(out)}</office:spreadsheet></office:body></office:document-content>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return buffer.getvalue()


def _association_network() -> Sheet:
    a, b, c, d = (siret(n) for n in (501, 502, 503, 504))
    grid = [
        ["RÉSEAU INSERTION DES ALPES", "", "", "", "", "", "", "", ""],
        ["Annuaire 2026 – ne pas diffuser", "", "", "", "", "", "", "", ""],
        [],
        ["Nom de l'association", "Sigle", "Conventionnement", "Numéro Siret", "Adresse postale", "Interlocuteur", "Portable", "Adresse mail", "Ce que nous faisons", "Où ?"],
        ["Mont Vert Insertion", "MVI", "Atelier Chantier d'Insertion", spaced(a), "12 rue des Alpages, 73000 Chambéry", "Claire Roux", "06.12.00.05.01", "mvi@montvert.example", "Entretien des sentiers et débroussaillage", "Savoie et Haute-Savoie"],
        ["La Remise à Flot", "", "Entreprise d'Insertion", spaced(b), "Zone des Iles 74150 Rumilly", "M. Blanc (directeur)", "+33 6 12 00 05 02", "contact@remise.example", "Recyclerie : collecte et vente de meubles", "Albanais, rayon de 25 km"],
        ["Coup de Main Services", "CDMS", "Association Intermédiaire", spaced(c), "4 quai Stéphane-Jay\n38000 Grenoble", "Accueil", "", "accueil@cdms.example", "Ménage, jardinage chez les particuliers et collectivités", "Isère"],
        ["Alp'Intérim", "", "ETTI", spaced(d), "1 av. de Genève, 74000 ANNECY", "Agence", "06 12 00 05 04", "agence@alpinterim.example", "Mise à disposition BTP", "toute la région Auvergne-Rhône-Alpes"],
        [],
        ["Soit 4 structures adhérentes"],
    ]  # fmt: skip
    return Sheet("annuaire_reseau_alpes.xlsx", workbook(("Annuaire", grid), merged=("A1:I1",)), (
        dict(siret=a, name="Mont Vert Insertion", brand="MVI", kind="ACI", town="Chambéry", department="73", phone="0612000501", email="mvi@montvert.example", does=["entretien des sentiers", "débroussaillage"], zone=Zone(departments=("73", "74"))),
        dict(siret=b, name="La Remise à Flot", kind="EI", town="Rumilly", department="74", phone="0612000502", email="contact@remise.example", does=["recyclerie"], zone=Zone(radius_km=25)),
        dict(siret=c, name="Coup de Main Services", brand="CDMS", kind="AI", town="Grenoble", department="38", email="accueil@cdms.example", does=["ménage", "jardinage"], zone=Zone(departments=("38",))),
        dict(siret=d, name="Alp'Intérim", kind="ETTI", town="Annecy", department="74", phone="0612000504", does=["mise à disposition btp"], zone=Zone(regions=("84",))),
    ))  # fmt: skip


def _departement() -> Sheet:
    a, b, c, d, e = (siret(n) for n in (511, 512, 513, 514, 515))
    grid = [
        ["NUM_DOSSIER", "LIB_STRUCTURE", "TYPE_CONV", "SIRET_SIEGE", "NB_ETP", "NUM_VOIE", "LIB_VOIE", "COD_POST", "LIB_COMMUNE", "COD_INSEE", "TEL_FIXE", "TEL_PORT", "MEL_CONTACT", "SECT_ACT_1", "SECT_ACT_2", "SECT_ACT_3", "TERR_INTERV", "DT_CONV", "COD_APE"],
        ["2026-001", "LES JARDINS DU CLAIN", "ACI", a, "12,5", "8", "chemin de la Gibauderie", "86000", "POITIERS", "86194", "0549000511", "", "jardins@clain.example", "Maraîchage biologique", "Entretien d'espaces verts", "", "Grand Poitiers", "01/01/2026", "0113Z"],
        ["2026-002", "VIENNE PROPRE", "EI", b, "20", "", "ZI Nord", "86100", "CHATELLERAULT", "86066", "0549000512", "0612000512", "contact@vienne-propre.example", "Nettoyage de bureaux", "Vitrerie", "", "Département de la Vienne", "01/01/2026", "8121Z"],
        ["2026-003", "INTERMED 86", "AI", c, "9,1", "3", "place de l'Église", "86500", "MONTMORILLON", "86165", "549000513", "", "", "Aide ménagère", "Manutention", "Restauration collective", "Sud Vienne (30 km)", "01/03/2026", "8899B"],
        ["2026-004", "ID INTERIM INSERTION", "ETTI", d, "31", "17", "rue de Chaumont", "86000", "POITIERS", "86194", "0549000514", "", "id@interim.example", "Travail temporaire", "", "", "86, 79", "01/01/2026", "7820Z"],
        ["2026-005", "REGIE DE QUARTIER DES TROIS CITES", "Régie de quartier", e, "18", "2", "pl. de France", "86000", "Poitiers", "86194", "05 49 00 05 15", "", "rq3c@regie.example", "Nettoyage de halls d'immeubles", "Peinture", "Espaces verts", "Poitiers", "", "8130Z"],
        ["", "TOTAL", "", "", "90,6"],
    ]  # fmt: skip
    return Sheet("export_SIAE_CD86_20260115.csv", csv_bytes(grid, ";", "cp1252"), (
        dict(siret=a, name="Les jardins du Clain", kind="ACI", town="Poitiers", department="86", phone="0549000511", email="jardins@clain.example", does=["maraîchage biologique", "entretien d'espaces verts"], naf="0113Z"),
        dict(siret=b, name="Vienne propre", kind="EI", town="Châtellerault", department="86", phone="0549000512", email="contact@vienne-propre.example", does=["nettoyage de bureaux", "vitrerie"], zone=Zone(departments=("86",)), naf="8121Z"),
        dict(siret=c, name="Intermed 86", kind="AI", town="Montmorillon", department="86", phone="0549000513", does=["aide ménagère", "manutention", "restauration collective"], zone=Zone(radius_km=30)),
        dict(siret=d, name="ID intérim insertion", kind="ETTI", town="Poitiers", phone="0549000514", does=["travail temporaire"], zone=Zone(departments=("79", "86")), email="id@interim.example"),
        dict(siret=e, name="Régie de quartier des trois cités", kind="ESS", town="Poitiers", phone="0549000515", does=["nettoyage de halls", "peinture", "espaces verts"], email="rq3c@regie.example"),
    ))  # fmt: skip


def _chamber_of_trades() -> Sheet:
    a, b, c = (siret(n) for n in (521, 522, 523))
    grid = [
        ["Chambre de métiers et de l'artisanat – entreprises de l'ESS artisanales"],
        ["Raison sociale", "Enseigne commerciale", "SIREN", "NIC", "Forme juridique", "Code NAFA", "Activité exercée", "Dirigeant", "Adresse 1", "Adresse 2", "Code postal / Ville", "Effectif", "CA 2024 (k€)", "Téléphone", "E-mail pro", "Site internet", "Qualifications"],
        ["BOIS PARTAGÉ", "L'Établi", a[:9], a[9:], "SCOP SARL", "43.32AA", "Menuiserie bois et agencement", "J. MORIN", "5 impasse du Rabot", "", "67000 STRASBOURG", "11", "820", "03 88 00 05 21", "atelier@boispartage.example", "www.boispartage.example", "RGE Qualibat"],
        ["TOITS SOLIDAIRES", "", b[:9], b[9:], "SCIC SA", "43.91BA", "Couverture zinguerie", "P. KLEIN", "Bâtiment C", "3 rue du Canal", "68100 MULHOUSE", "24", "1 950", "0389000522", "toits@solidaires.example", "https://toits.example/", ""],
        ["RÉPAR'ÉLEC", "Répar'Élec", c[:9], c[9:], "Entreprise d'insertion (SAS)", "95.22Z", "Réparation d'électroménager ; vente d'appareils reconditionnés", "S. WEISS", "9 rue de la Gare", "", "67200 Strasbourg", "8", "410", "+33388000523", "sav@reparelec.example", "", "Label QualiRépar"],
    ]  # fmt: skip
    return Sheet("CMA_ess.xlsx", workbook(("Extraction", grid), ("Lisez-moi", [["Ce fichier est extrait du répertoire des métiers."], ["Contact : service études, 03 88 00 00 00"]]), merged=("A1:Q1",)), (
        dict(siret=a, name="Bois partagé", brand="L'Établi", kind="SCOP", town="Strasbourg", department="67", phone="0388000521", email="atelier@boispartage.example", website="www.boispartage.example", does=["menuiserie bois"], headcount=11, turnover=820000),
        dict(siret=b, name="Toits solidaires", kind="SCIC", town="Mulhouse", department="68", phone="0389000522", email="toits@solidaires.example", does=["couverture zinguerie"], headcount=24, turnover=1950000),
        dict(siret=c, name="Répar'Élec", kind="EI", town="Strasbourg", department="67", phone="0388000523", does=["réparation d'électroménager", "appareils reconditionnés"], headcount=8, turnover=410000),
    ))  # fmt: skip


def _esat_list() -> Sheet:
    a, b, c = (siret(n) for n in (531, 532, 533))
    grid = [
        ["Nom de l'ESAT", "Association gestionnaire", "N°SIRET", "FINESS", "CP", "Commune", "Places", "Tél.", "Mail ESAT", "Espaces verts", "Blanchisserie", "Conditionnement", "Restauration", "Autres activités", "Zone géographique couverte"],
        ["ESAT Les Tilleuls", "ADAPEI 45", a, "450000123", 45000, "Orléans", 85, "02 38 00 05 31", "esat.tilleuls@adapei.example", "Oui", "Non", "Oui", "", "Mise sous pli", "Loiret"],
        ["ESAT du Gâtinais", "APAJH", b, "450000124", 45200, "Montargis", 60, "02 38 00 05 32", "gatinais@apajh.example", "", "Oui", "", "Oui", "", "40 km autour de Montargis"],
        ["EA La Sologne", "ADAPEI 45", c, "", 41200, "Romorantin-Lanthenay", "", "02 54 00 05 33", "ea@sologne.example", "Oui", "", "Oui", "", "Destruction d'archives", "Centre-Val de Loire"],
    ]  # fmt: skip
    return Sheet("Liste ESAT EA 2026.ods", ods(("ESAT-EA", grid), ("Feuille2", [])), (
        dict(siret=a, name="ESAT Les Tilleuls", kind="ESAT", town="Orléans", department="45", phone="0238000531", email="esat.tilleuls@adapei.example", does=["espaces verts", "conditionnement", "mise sous pli"], zone=Zone(departments=("45",))),
        dict(siret=b, name="ESAT du Gâtinais", kind="ESAT", town="Montargis", department="45", phone="0238000532", email="gatinais@apajh.example", does=["blanchisserie", "restauration"], zone=Zone(radius_km=40)),
        dict(siret=c, name="EA La Sologne", kind="EA", town="Romorantin-Lanthenay", department="41", phone="0254000533", email="ea@sologne.example", does=["espaces verts", "conditionnement", "destruction d'archives"], zone=Zone(regions=("24",))),
    ))  # fmt: skip


def _geiq_list() -> Sheet:
    a, b, c = (siret(n) for n in (541, 542, 543))
    grid = [
        ["Liste des GEIQ labellisés – Hauts-de-France"],
        ["GEIQ", "Branche", "Siret", "Siège", "Téléphone / Courriel", "Métiers préparés", "Départements", "Salariés en contrat pro"],
        ["GEIQ BTP Nord", "Bâtiment et travaux publics", a, "59000 LILLE", "03 20 00 05 41 – contact@geiqbtp.example", "Maçon, coffreur, canalisateur", "59 / 62", "120"],
        ["GEIQ Propreté Picardie", "Propreté", b, "Amiens (80)", "03 22 00 05 42 – proprete@geiq.example", "Agent d'entretien, chef d'équipe", "60 / 80", "45"],
        ["GEIQ Agri Aisne", "Agriculture", c, "02000 Laon", "03 23 00 05 43 – agri@geiq.example", "Ouvrier polyvalent, tractoriste", "02", "30"],
        ["", "", "", "", "", "", "", "195"],
    ]  # fmt: skip
    return Sheet("geiq_hdf.csv", csv_bytes(grid, "\t", "utf-16"), (
        dict(siret=a, name="GEIQ BTP Nord", kind="GEIQ", town="Lille", department="59", phone="0320000541", email="contact@geiqbtp.example", does=["maçon", "canalisateur"], zone=Zone(departments=("59", "62"))),
        dict(siret=b, name="GEIQ Propreté Picardie", kind="GEIQ", town="Amiens", department="80", phone="0322000542", email="proprete@geiq.example", does=["agent d'entretien"], zone=Zone(departments=("60", "80"))),
        dict(siret=c, name="GEIQ Agri Aisne", kind="GEIQ", town="Laon", department="02", phone="0323000543", email="agri@geiq.example", does=["ouvrier polyvalent"], zone=Zone(departments=("02",))),
    ))  # fmt: skip


def _horrible() -> Sheet:
    a, b, c, d = (siret(n) for n in (551, 552, 553, 554))
    one = [
        ["", "Structures de l'IAE – bassin de Nantes", "", "", "", "", "", "", ""],
        ["", "mise à jour le 3 mars (Sylvie)", "", "", "", "", "", "", ""],
        [],
        ["", "IDENTITÉ", "", "", "COORDONNÉES", "", "", "PRODUCTION", "", "INTERVENTION"],
        ["", "Structure", "Statut", "SIRET", "Ville", "Tél", "@", "Métier", "Détail", "Périmètre"],
        ["ENTREPRISES D'INSERTION"],
        ["1", "Atelier Loire", "EI", spaced(a), "Nantes", "02 40 00 05 51", "loire@atelier.example", "Nettoyage", "bureaux, écoles", "44"],
        ["", "", "", "", "", "", "", "Espaces verts", "tonte, taille", ""],
        ["", "", "", "", "", "", "", "Peinture", "intérieure", ""],
        ["2", "Bati'Ouest", "EI", spaced(b), "Rezé", "02 40 00 05 52", "bati@ouest.example", "Second œuvre", "plaques de plâtre", "Loire-Atlantique, Vendée"],
        ["", "Sous-total EI : 2"],
        ["CHANTIERS"],
        ["3", "Les Potagers de l'Erdre", "ACI", spaced(c), "La Chapelle-sur-Erdre", "02 40 00 05 53", "erdre@potagers.example", "Maraîchage", "paniers bio", "Nantes Métropole"],
        ["", "", "", "", "", "", "", "Traiteur", "buffets, cocktails", ""],
        ["", "Total général", "", "3"],
        ["* sous réserve de la convention 2026"],
    ]  # fmt: skip
    two = [
        ["Structure", "SIRET", "Ville", "Mail", "Activité"],
        ["Estuaire Intérim", d, "Saint-Nazaire", "estuaire@interim.example", "Intérim d'insertion : soudeurs, caristes"],
    ]  # fmt: skip
    return Sheet("IAE nantes VF (2) copie.xlsx", workbook(("EI-ACI", one), ("ETTI", two), ("Brouillon", [["à voir", "rappeler Paul"], ["", "devis"]]), merged=("B1:I1", "B4:D4", "E4:G4", "H4:I4")), (
        dict(siret=a, name="Atelier Loire", kind="EI", town="Nantes", department="44", phone="0240000551", email="loire@atelier.example", does=["nettoyage", "bureaux", "espaces verts", "tonte", "peinture"], zone=Zone(departments=("44",))),
        dict(siret=b, name="Bati'Ouest", kind="EI", town="Rezé", department="44", phone="0240000552", email="bati@ouest.example", does=["second œuvre", "plaques de plâtre"], zone=Zone(departments=("44", "85"))),
        dict(siret=c, name="Les Potagers de l'Erdre", kind="ACI", town="La Chapelle-sur-Erdre", phone="0240000553", email="erdre@potagers.example", does=["maraîchage", "traiteur", "buffets"]),
        dict(siret=d, name="Estuaire Intérim", kind="ETTI", town="Saint-Nazaire", department="44", email="estuaire@interim.example", does=["intérim d'insertion", "soudeurs"]),
    ))  # fmt: skip


def _plie() -> Sheet:
    a, b, c, d = (siret(n) for n in (601, 602, 603, 604))
    grid = [
        ["PLIE du Val de Sambre"], ["Offre d'insertion du territoire – édition mai 2026"], [],
        ["Nom", "Sigle", "Type SIAE", "Siret", "Adresse", "Code postal", "Commune", "Personne à contacter", "N° de téléphone", "Email", "Supports d'activité", "Nombre de postes", "Public accueilli", "Territoire couvert"],
        ["Sambre Avenir", "SA", "ACI", a, "10 rue de la Paix", "59600", "Maubeuge", "Mme Lefebvre", "03.27.00.06.01", "sa@sambre.example", "Bâtiment, espaces naturels", "24", "BRSA, DELD", "Maubeuge, Jeumont, Hautmont"],
        ["Val Services", "", "AI", b, "2 place Verte", "59600", "Maubeuge", "M. Dubois", "03.27.00.06.02", "val@services.example", "Entretien de locaux, aide à domicile", "", "Tout public", "Arrondissement d'Avesnes"],
        ["Éco-Tri Nord", "", "EI", c, "ZI de la Petite Savate", "59620", "Aulnoye-Aymeries", "M. Leroy", "03.27.00.06.03", "ecotri@nord.example", "Tri de déchets", "16", "", "59"],
        ["Interval", "", "ETTI", d, "14 av. de France", "59600", "Maubeuge", "", "03 27 00 06 04", "", "Tous métiers", "", "", "Nord, Aisne, Ardennes"],
        ["Nombre total de postes", "", "", "", "", "", "", "", "", "", "", "40"],
    ]  # fmt: skip
    return Sheet("PLIE offre.xlsx", workbook(("Offre d'insertion", grid)), (
        dict(siret=a, name="Sambre Avenir", kind="ACI", address="10 rue de la Paix", town="Maubeuge", department="59", phone="0327000601", email="sa@sambre.example", does=["bâtiment", "espaces naturels"]),
        dict(siret=b, name="Val Services", kind="AI", town="Maubeuge", phone="0327000602", email="val@services.example", does=["entretien de locaux", "aide à domicile"]),
        dict(siret=c, name="Éco-Tri Nord", kind="EI", town="Aulnoye-Aymeries", phone="0327000603", does=["tri de déchets"], zone=Zone(departments=("59",))),
        dict(siret=d, name="Interval", kind="ETTI", town="Maubeuge", phone="0327000604", zone=Zone(departments=("59", "02", "08"))),
    ))  # fmt: skip


def _crm() -> Sheet:
    a, b, c = (siret(n) for n in (611, 612, 613))
    grid = [
        ["Account Name", "Account ID", "SIRET Number", "Record Type", "Billing Street", "Billing Zip/Postal Code", "Billing City", "Phone", "Website", "Account Email", "Secteur(s) d'activité principal", "Nb Employees", "Owner", "Created Date"],
        ["Textil'Au Cœur", "0011r00002AbCdE", a, "Entreprise d'insertion", "22 rue du Tissage", "42300", "Roanne", "+33 4 77 00 06 11", "www.textilaucoeur.example", "hello@textil.example", "Tri et recyclage textile;Couture", "38", "A. Durand", "2021-03-04"],
        ["Pain Partagé", "0011r00002AbCdF", b, "Atelier et chantier d'insertion", "5 rue du Four", "69100", "Villeurbanne", "+33 4 72 00 06 12", "", "contact@pain.example", "Boulangerie", "12", "A. Durand", "2022-11-20"],
        ["Verte Étape", "0011r00002AbCdG", c, "Entreprise adaptée", "ZA les Prés", "38500", "Voiron", "+33 4 76 00 06 13", "https://verte.example", "bonjour@verte.example", "Espaces verts;Horticulture", "51", "L. Petit", "2023-01-09"],
    ]  # fmt: skip
    return Sheet("report1716905874123.csv", csv_bytes(grid, ",", "utf-8-sig"), (
        dict(siret=a, name="Textil'Au Cœur", kind="EI", address="22 rue du Tissage", town="Roanne", department="42", phone="0477000611", website="www.textilaucoeur.example", email="hello@textil.example", does=["tri et recyclage textile", "couture"], headcount=38),
        dict(siret=b, name="Pain Partagé", kind="ACI", town="Villeurbanne", department="69", phone="0472000612", email="contact@pain.example", does=["boulangerie"], headcount=12),
        dict(siret=c, name="Verte Étape", kind="EA", town="Voiron", department="38", phone="0476000613", website="https://verte.example", email="bonjour@verte.example", does=["espaces verts", "horticulture"], headcount=51),
    ))  # fmt: skip


def _pasted() -> Sheet:
    a, b, c = (siret(n) for n in (621, 622, 623))
    grid = [
        ["Département", "Structure", "Coordonnées", "SIRET", "Domaines d'activités", "Rayon d'intervention"],
        ["GIRONDE", "Aquitaine Recyclage\n(entreprise d'insertion)", "8 quai de Brazza\n33100 BORDEAUX\nTél : 05 56 00 06 21\ncontact@aquitaine-recyclage.example", a, "- Collecte de papier\n- Destruction de documents confidentiels", "Bordeaux Métropole"],
        ["GIRONDE", "Les Jardins de Talence (ACI)", "3 allée des Tilleuls\n33400 TALENCE\nTél : 05 56 00 06 22\njardins@talence.example", b, "- Maraîchage\n- Entretien de jardins", "30 km"],
        ["LANDES", "Landes Multi-Services (AI)", "1 place Saint-Roch\n40000 MONT-DE-MARSAN\nTél : 05 58 00 06 23\nlms@landes.example", c, "- Ménage\n- Petits travaux", "Département"],
    ]  # fmt: skip
    return Sheet("siae_nouvelle_aquitaine.xlsx", workbook(("Feuil1", grid)), (
        dict(siret=a, name="Aquitaine Recyclage", kind="EI", town="Bordeaux", department="33", phone="0556000621", email="contact@aquitaine-recyclage.example", does=["collecte de papier", "destruction de documents"]),
        dict(siret=b, name="Les Jardins de Talence (ACI)", kind="ACI", town="Talence", department="33", phone="0556000622", email="jardins@talence.example", does=["maraîchage", "entretien de jardins"], zone=Zone(radius_km=30)),
        dict(siret=c, name="Landes Multi-Services (AI)", kind="AI", town="Mont-de-Marsan", department="40", phone="0558000623", email="lms@landes.example", does=["ménage", "petits travaux"], zone=Zone(departments=("40",))),
    ))  # fmt: skip


def _cress() -> Sheet:
    a, b, c, d = (siret(n) for n in (631, 632, 633, 634))
    grid = [
        ["siren", "nic", "denomination_unite_legale", "enseigne_etablissement", "famille_ess", "ape_etablissement", "libelle_ape", "l4_adresse", "cp", "libelle_commune", "dep", "tranche_effectifs", "tel_etab", "courriel_etab", "activite_detaillee"],
        [a[:9], a[9:], "SCOP LES CHARPENTIERS", "", "Coopérative - SCOP", "4391A", "Travaux de charpente", "12 RUE DES ERABLES", "35000", "RENNES", "35", "12", "299000631", "scop@charpentiers.example", "Charpente bois, ossature"],
        [b[:9], b[9:], "ASSOCIATION CULTURE BIO", "CULTURE BIO", "Association", "4725Z", "Commerce de détail de boissons", "3 PLACE DU MARCHE", "35580", "GUICHEN", "35", "03", "299000632", "", "Épicerie, salon de thé"],
        [c[:9], c[9:], "FONDATION DE L'ARMOR", "", "Fondation", "8790B", "Hébergement social", "7 BD DE LA MER", "22000", "SAINT-BRIEUC", "22", "21", "296000633", "fondation@armor.example", "Hébergement"],
        [d[:9], d[9:], "MUTUELLE DU COUESNON", "", "Mutuelle", "6512Z", "Autres assurances", "1 RUE NATIONALE", "35300", "FOUGERES", "35", "11", "", "", "Complémentaire santé"],
    ]  # fmt: skip
    return Sheet("liste-ess-bretagne.csv", csv_bytes(grid, "|"), (
        dict(siret=a, name="SCOP Les Charpentiers", kind="SCOP", naf="4391A", address="12 rue des erables", town="Rennes", department="35", phone="0299000631", email="scop@charpentiers.example", does=["charpente bois"], headcount=34.5),
        dict(siret=b, name="Association Culture Bio", brand="Culture Bio", naf="4725Z", town="Guichen", phone="0299000632", does=["épicerie"]),
        dict(siret=c, name="Fondation de l'Armor", town="Saint-Brieuc", department="22", phone="0296000633", does=["hébergement"], naf="8790B"),
        dict(siret=d, name="Mutuelle du Couesnon", town="Fougères", naf="6512Z", does=["complémentaire santé"]),
    ))  # fmt: skip


def _esus() -> Sheet:
    a, b, c = (siret(n) for n in (641, 642, 643))
    grid = [
        ["Liste des entreprises agréées ESUS – DDETS du Rhône"],
        ["N° agrément", "Entreprise", "N° SIRET de l'établissement", "Ville", "Date de l'agrément", "Durée", "Objet de l'activité", "Contact courriel"],
        ["69-2024-01", "Solid'Air", a, "LYON 7E ARRONDISSEMENT", "12/02/2024", "5 ans", "Conseil en mobilité inclusive", "solidair@esus.example"],
        ["69-2024-02", "La Cloche d'Or", b, "VENISSIEUX", "03/05/2024", "2 ans", "Restauration et traiteur solidaire", "or@cloche.example"],
        ["69-2024-03", "Rebond Habitat", c, "TARARE", "09/09/2024", "5 ans", "Rénovation énergétique de logements", "rebond@habitat.example"],
        ["La présente liste est arrêtée au 1er octobre 2026."],
    ]  # fmt: skip
    return Sheet("ESUS_69.ods", ods(("Agréments en cours", grid)), (
        dict(siret=a, name="Solid'Air", kind="ESUS", department="69", email="solidair@esus.example", does=["conseil en mobilité"]),
        dict(siret=b, name="La Cloche d'Or", kind="ESUS", town="Vénissieux", department="69", email="or@cloche.example", does=["traiteur solidaire"]),
        dict(siret=c, name="Rebond Habitat", kind="ESUS", town="Tarare", department="69", email="rebond@habitat.example", does=["rénovation énergétique"]),
    ))  # fmt: skip


def _horrible2() -> Sheet:
    a, b, c, d = (siret(n) for n in (651, 652, 653, 654))
    grid = [
        ["", "", "SUIVI PARTENAIRES 2026", "", "", "", "", ""],
        ["màj", "15/09/26", "", "", "", "", "", ""],
        ["Qui ?", "", "", "Comment les joindre ?", "", "", "Que font-ils ?", "", "Jusqu'où ?"],
        ["Nom de la structure", "Type (EI/ACI/AI/ETTI/EA/ESAT)", "SIRET ou SIREN + NIC", "Référent", "Tél. direct", "Mél.", "Activité n°1", "Activité n°2", ""],
        ["Bassin minier", "", "", "", "", "", "", ""],
        ["Le Relais du Terril", "ei", "SIRET " + spaced(a), "Nadia", "0321 00 06 51", "nadia@terril.example", "Tri textile", "Logistique", "Pas-de-Calais"],
        ["Ch'ti Propre", "EI", b[:9] + " " + b[9:], "Jean-Luc", "03-21-00-06-52", "jl@chtipropre.example", "Propreté", "", "62/59"],
        ["Nom de la structure", "Type (EI/ACI/AI/ETTI/EA/ESAT)", "SIRET ou SIREN + NIC", "Référent", "Tél. direct", "Mél.", "Activité n°1", "Activité n°2", ""],
        ["Littoral", "", "", "", "", "", "", ""],
        ["ESAT de la Côte", "ESAT", c, "Mme Vasseur", "(0)3 21 00 06 53", "cote@esat.example", "Blanchisserie", "Espaces verts", "20 km"],
        ["Opale Adapt", "EA", "'" + d, "", "03 21 00 06 54 (standard)", "opale@adapt.example", "Conditionnement", "Câblage électrique", "Hauts-de-France"],
        ["", "TOTAL 4 structures"],
    ]  # fmt: skip
    notes = [["Notes réunion du 12/09"], ["- relancer Le Relais"], ["- ESAT : visite le 3/10"]]
    return Sheet("suivi partenaires.xlsx", workbook(("Liste", grid), ("Notes", notes), merged=("C1:F1", "A3:C3", "D3:F3", "G3:H3")), (
        dict(siret=a, name="Le Relais du Terril", kind="EI", phone="0321000651", email="nadia@terril.example", does=["tri textile", "logistique"], zone=Zone(departments=("62",))),
        dict(siret=b, name="Ch'ti Propre", kind="EI", phone="0321000652", email="jl@chtipropre.example", does=["propreté"], zone=Zone(departments=("62", "59"))),
        dict(siret=c, name="ESAT de la Côte", kind="ESAT", phone="0321000653", email="cote@esat.example", does=["blanchisserie", "espaces verts"], zone=Zone(radius_km=20)),
        dict(siret=d, name="Opale Adapt", kind="EA", phone="0321000654", email="opale@adapt.example", does=["conditionnement", "câblage"], zone=Zone(regions=("32",))),
    ))  # fmt: skip


def _mayors_office() -> Sheet:
    a, b, c = (siret(n) for n in (701, 702, 703))
    grid = [
        ["Partenaire", "Statut juridique", "Agrément", "Identifiant SIRET", "Rue", "Code Postal", "Ville", "Tel fixe", "Tel mobile", "Adresse électronique", "Site", "Prestations proposées", "Secteur d'intervention", "Observations"],
        ["Les Ateliers du Port", "Association", "ACI", a, "12, quai des Docks", "76600", "Le Havre", "02.35.00.07.01", "", "port@ateliers.example", "ateliersduport.example", "Menuiserie - Peinture", "Le Havre et alentours", "à jour"],
        ["Normandie Clean", "SARL", "EI", b, "ZAC de l'Estuaire", "76700", "Gonfreville-l'Orcher", "", "06.35.00.07.02", "nc@clean.example", "", "Nettoyage industriel", "Seine-Maritime", ""],
        ["Temporéa", "SAS", "ETTI", c, "3 bd de Strasbourg", "76600", "Le Havre", "0235000703", "", "le-havre@temporea.example", "", "Intérim", "76, 27, 14", "convention en cours"],
    ]  # fmt: skip
    return Sheet("partenaires ville.csv", csv_bytes(grid, ";", "cp1252"), (
        dict(siret=a, name="Les Ateliers du Port", kind="ACI", address="12, quai des Docks", town="Le Havre", department="76", phone="0235000701", email="port@ateliers.example", website="ateliersduport.example", does=["menuiserie", "peinture"]),
        dict(siret=b, name="Normandie Clean", kind="EI", town="Gonfreville-l'Orcher", department="76", phone="0635000702", does=["nettoyage industriel"], zone=Zone(departments=("76",))),
        dict(siret=c, name="Temporéa", kind="ETTI", town="Le Havre", phone="0235000703", email="le-havre@temporea.example", does=["intérim"], zone=Zone(departments=("76", "27", "14"))),
    ))  # fmt: skip


def _gesat() -> Sheet:
    a, b, c = (siret(n) for n in (711, 712, 713))
    grid = [
        ["Réseau du travail protégé – annuaire régional"], [],
        ["Établissement", "Nature", "Siret", "CP Ville", "Responsable commercial", "Ligne directe", "Courriel", "Filières", "Nb de travailleurs", "Distance maxi"],
        ["Les Ateliers de Kerlann", "ESAT", spaced(a), "35170 Bruz", "P. Le Goff", "02 99 00 07 11", "kerlann@esat.example", "Sous-traitance industrielle / Blanchisserie / Restauration", 90, "30 km"],
        ["Bretagne Ateliers Services", "Entreprise Adaptée", spaced(b), "35000 Rennes", "A. Morvan", "02 99 00 07 12", "bas@ea.example", "Câblage / Logistique", 200, "100 km"],
        ["ESAT Le Moulin Vert", "E.S.A.T.", spaced(c), "56000 Vannes", "S. Caradec", "02 97 00 07 13", "moulin@esat.example", "Espaces verts / Entretien de locaux", 45, "Morbihan"],
        ["Total", "", "", "", "", "", "", "", 335, ""],
    ]  # fmt: skip
    return Sheet("annuaire_gesat.ods", ods(("Annuaire", grid)), (
        dict(siret=a, name="Les Ateliers de Kerlann", kind="ESAT", town="Bruz", department="35", phone="0299000711", email="kerlann@esat.example", does=["sous-traitance industrielle", "blanchisserie"], zone=Zone(radius_km=30)),
        dict(siret=b, name="Bretagne Ateliers Services", kind="EA", town="Rennes", phone="0299000712", does=["câblage", "logistique"], zone=Zone(radius_km=100)),
        dict(siret=c, name="ESAT Le Moulin Vert", kind="ESAT", town="Vannes", department="56", phone="0297000713", does=["espaces verts", "entretien de locaux"], zone=Zone(departments=("56",))),
    ))  # fmt: skip


def _survey() -> Sheet:
    a, b, c = (siret(n) for n in (721, 722, 723))
    grid = [
        ["Horodateur", "Quel est le nom de votre structure ?", "Votre numéro SIRET (14 chiffres)", "Vous êtes...", "Dans quelle commune êtes-vous installé ?", "Quelles prestations proposez-vous aux collectivités ?", "Sur quels départements intervenez-vous ?", "Nom et prénom du répondant", "Votre adresse mail", "Votre téléphone", "Combien de salariés (ETP) ?", "Souhaitez-vous être recontacté ?"],
        ["02/06/2026 09:14:21", "Terre d'Envol", a, "un atelier et chantier d'insertion (ACI)", "Albi", "Entretien de rivières, bûcheronnage", "Tarn (81), Aveyron (12)", "Julie Pons", "terre@envol.example", "05 63 00 07 21", "14", "Oui"],
        ["02/06/2026 11:02:03", "Clé des Services", b, "une association intermédiaire (AI)", "Castres", "Ménage, garde d'enfants, cantine", "Tarn (81)", "Marc Vidal", "cle@services.example", "05 63 00 07 22", "22,5", "Non"],
        ["03/06/2026 16:40:55", "Occitan Recycle", c, "une entreprise d'insertion (EI)", "Toulouse", "Démantèlement de DEEE", "Haute-Garonne (31), Tarn (81)", "Léa Bec", "deee@occitan.example", "05 61 00 07 23", "30", "Oui"],
    ]  # fmt: skip
    return Sheet("Réponses au formulaire 1.xlsx", workbook(("Réponses au formulaire 1", grid)), (
        dict(siret=a, name="Terre d'Envol", kind="ACI", town="Albi", department="81", phone="0563000721", email="terre@envol.example", does=["entretien de rivières", "bûcheronnage"], zone=Zone(departments=("81", "12")), headcount=14),
        dict(siret=b, name="Clé des Services", kind="AI", town="Castres", department="81", phone="0563000722", does=["ménage", "cantine"], zone=Zone(departments=("81",)), headcount=22.5),
        dict(siret=c, name="Occitan Recycle", kind="EI", town="Toulouse", department="31", phone="0561000723", email="deee@occitan.example", does=["démantèlement"], zone=Zone(departments=("31", "81")), headcount=30),
    ))  # fmt: skip


def _several_rows() -> Sheet:
    a, b = siret(731), siret(732)
    grid = [
        ["Structure", "Type", "Siret", "Commune", "Tél", "Activité", "Zone de l'activité"],
        ["Ensemble 54", "EI", a, "Nancy", "03 83 00 07 31", "Déménagement", "Meurthe-et-Moselle"],
        ["Ensemble 54", "EI", a, "Nancy", "03 83 00 07 31", "Nettoyage de chantiers", "Meurthe-et-Moselle"],
        ["Ensemble 54", "EI", a, "Nancy", "03 83 00 07 31", "Collecte d'encombrants", "Nancy"],
        ["Ensemble 54", "ACI", a, "Nancy", "03 83 00 07 31", "Maraîchage", "Meurthe-et-Moselle"],
        ["Vosges Bois", "ACI", b, "Épinal", "03 29 00 07 32", "Bûcheronnage", "Vosges"],
        ["Vosges Bois", "ACI", b, "Épinal", "03 29 00 07 32", "Sentiers de randonnée", "Vosges"],
    ]  # fmt: skip
    return Sheet("activites.csv", csv_bytes(grid, ","), (
        dict(siret=a, name="Ensemble 54", kind="EI", town="Nancy", department="54", phone="0383000731", does=["déménagement", "nettoyage de chantiers", "encombrants"]),
        dict(siret=a, name="Ensemble 54", kind="ACI", does=["maraîchage"], zone=Zone(departments=("54",))),
        dict(siret=b, name="Vosges Bois", kind="ACI", town="Épinal", department="88", phone="0329000732", does=["bûcheronnage", "sentiers"], zone=Zone(departments=("88",))),
    ))  # fmt: skip


def _chamber_agri() -> Sheet:
    a, b, c = (siret(n) for n in (741, 742, 743))
    grid = [
        ["CODE", "EXPLOITATION / STRUCTURE", "CAT", "N°SIRET", "ADRESSE", "COMMUNE", "LAT", "LONG", "PROD. PRINCIPALES", "VENTE AUX COLLECTIVITÉS", "MAIL", "PORTABLE", "CA (M€)"],
        ["A12", "Cocagne du Lauragais", "ACI", a, "Lieu-dit Bordeneuve 31290", "Villefranche-de-Lauragais", "43,40", "1,72", "Légumes bio", "OUI", "cocagne@lauragais.example", "0605000741", "0,6"],
        ["A13", "ESAT Les Vergers", "ESAT", b, "Rte de Revel 31250", "Revel", "43,46", "2,00", "Pommes, jus de fruits", "OUI", "vergers@esat.example", "0605000742", "1,1"],
        ["A14", "Miel et Cie", "SCOP", c, "2 ch. des Abeilles 31320", "Castanet-Tolosan", "43,51", "1,49", "Miel, confitures", "NON", "miel@cie.example", "0605000743", "0,3"],
    ]  # fmt: skip
    return Sheet("chambre_agri_31.xlsx", workbook(("Export", grid)), (
        dict(siret=a, name="Cocagne du Lauragais", kind="ACI", town="Villefranche-de-Lauragais", department="31", phone="0605000741", email="cocagne@lauragais.example", does=["légumes bio"], turnover=600000),
        dict(siret=b, name="ESAT Les Vergers", kind="ESAT", town="Revel", department="31", phone="0605000742", does=["pommes"], turnover=1100000),
        dict(siret=c, name="Miel et Cie", kind="SCOP", town="Castanet-Tolosan", department="31", phone="0605000743", email="miel@cie.example", does=["miel", "confitures"], turnover=300000),
    ))  # fmt: skip


def _horrible3() -> Sheet:
    a, b, c, d = (siret(n) for n in (751, 752, 753, 754))
    head = ["Nom", "SIRET", "Ville", "Contacts", "Fait quoi"]
    aci = [
        ["ACI du bassin d'emploi de Vichy"],
        head,
        [
            "Vichy Jardins",
            a,
            "Vichy (03)",
            "Paul – 04 70 00 07 51 / vichy@jardins.example",
            "maraîchage + paniers",
        ],
        ["", "", "", "", "composteurs de quartier"],
        ["Relais Cusset", b, "Cusset (03)", "accueil@relais.example", "friperie"],
        ["2 structures"],
    ]
    etti = [
        ["Agences d'intérim d'insertion"],
        [],
        head,
        ["Allier Intérim", c, "Moulins (03)", "04 70 00 07 53", "mise à dispo. de personnel : BTP, propreté"],
    ]
    other = [
        ["Autres (entreprises adaptées)"],
        head,
        [
            "Adapt'Auvergne",
            d,
            "Gannat (03)",
            "M. Roux 04 70 00 07 54 adapt@auvergne.example",
            "montage électronique ; numérisation",
        ],
    ]
    hidden = [["brouillon"], ["Nom", "SIRET"], ["Vieille structure", siret(759)]]
    return Sheet("COPIE de SIAE VICHY (definitif) v3.xlsx", workbook(("ACI", aci), ("Intérim", etti), ("EA", other), ("old", hidden), merged=("A1:E1",), hidden=("old",)), (
        dict(siret=a, name="Vichy Jardins", kind="ACI", town="Vichy", department="03", phone="0470000751", email="vichy@jardins.example", does=["maraîchage", "composteurs"]),
        dict(siret=b, name="Relais Cusset", kind="ACI", town="Cusset", department="03", email="accueil@relais.example", does=["friperie"]),
        dict(siret=c, name="Allier Intérim", kind="ETTI", town="Moulins", department="03", phone="0470000753", does=["btp", "propreté"]),
        dict(siret=d, name="Adapt'Auvergne", kind="EA", town="Gannat", department="03", phone="0470000754", email="adapt@auvergne.example", does=["montage électronique", "numérisation"]),
    ))  # fmt: skip


EIGHTEEN: tuple[Callable[[], Sheet], ...] = (
    _association_network,
    _departement,
    _chamber_of_trades,
    _esat_list,
    _geiq_list,
    _horrible,
    _plie,
    _crm,
    _pasted,
    _cress,
    _esus,
    _horrible2,
    _mayors_office,
    _gesat,
    _survey,
    _several_rows,
    _chamber_agri,
    _horrible3,
)
