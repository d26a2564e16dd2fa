"""TED, eForms and BOAMP notices, read lot by lot: invented notices in the true formats, then the real ones."""

import io
import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from bench import bench_sources as bench
from matcher import plugins
from matcher.domain import BadInput, Rejected, Tender
from matcher.reading import files
from matcher.reference.french import hour_stated
from matcher.reference.paths import shared_dir
from records import facts, filled, published, tupled
from records import notice_of as one

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"
REAL = shared_dir() / "data" / "notices"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real notices of MATCHER_SHARED are not there")


def read(source: str, data: bytes, name: str = "notice") -> list[Tender | Rejected]:
    return list(plugins.find("reading.sources", source).read(io.BytesIO(data), name))


def ted(form: str = "F02_2014", lots: str = "", extra: str = "", **parts: str) -> bytes:
    """A TED notice of our own; `more` holds other forms, `extra` other sections, `head` what precedes the object."""
    given = {"language": "FR", "head": "", "more": "", **parts}
    return filled("ted_call.xml", form=form, short=form[:3], lots=lots, extra=extra, **given)


LOT = """<OBJECT_DESCR ITEM="{n}"><TITLE><P>{title}</P></TITLE><LOT_NO>{n}</LOT_NO>
 <CPV_ADDITIONAL><CPV_CODE CODE="{cpv}"/></CPV_ADDITIONAL><n:NUTS xmlns:n="urn:nuts" CODE="FR108"/>
 <MAIN_SITE><P>Sarcelles</P></MAIN_SITE><SHORT_DESCR><P>{text}</P></SHORT_DESCR>
 <VAL_OBJECT CURRENCY="EUR">{value}</VAL_OBJECT><DURATION TYPE="MONTH">24</DURATION></OBJECT_DESCR>"""
KEPT = "Lot réservé aux entreprises adaptées (article L. 2113-12)."
TWO = LOT.format(n=1, title="Vitrerie", cpv="90911300", text="Vitres en hauteur.", value=30000)
TWO += LOT.format(n=2, title="Locaux", cpv="90911200", text=KEPT, value=370000)


def test_each_lot_of_ted_has_its_own_title_code_amount_and_duration() -> None:
    tender = one("ted", ted(lots=TWO.replace("<LOT_NO>1<", "<LOT_NO>Lot n° 1 - Étages hauts<")))
    assert [(lot.number, lot.title, lot.cpv, lot.amount, lot.duration_months) for lot in tender.lots] == [
        ("1", "Étages hauts — Vitrerie", ("90911300",), 30000.0, 24.0),
        ("2", "Locaux", ("90911200",), 370000.0, 24.0),
    ]
    expected = ("123-2021", "call", date(2021, 1, 4), ("456789-2020",))
    assert facts(tender, "id nature published related") == expected
    assert tender.description == "Nettoyage. Quatre groupes scolaires."
    assert tender.documents_url == "https://marches.example.org/dce"
    assert (tender.buyer.id, tender.buyer.place.commune) == ("21950585600017", "95585")
    assert tender.lots[0].places[0].department == "95"


def test_a_lot_of_ted_without_a_title_is_called_by_its_description_and_cited_notices_are_related() -> None:
    without = "<AC><AC_CRITERION>Pas de critères</AC_CRITERION></AC>"
    lots = TWO.replace("<TITLE><P>Vitrerie</P></TITLE>", without)
    cited = "<COMPLEMENTARY_INFO><INFO_ADD><P>Avis BOAMP du 3.2.2020 n° 20-20-1234, paru aussi au JOUE : 2020/s 210-567891, 2020/S211-567892 (loi n° 75-1334).</P></INFO_ADD></COMPLEMENTARY_INFO>"
    tender = one("ted", ted(lots=lots, extra=cited))
    assert [lot.title for lot in tender.lots] == ["Vitres en hauteur.", "Locaux"]
    assert tender.lots[0].criteria == ()
    assert tender.related == ("456789-2020", "20-1234", "567891-2020", "567892-2020")


def test_ted_states_nature_contact_limits_and_an_hour_only_where_there_is_one() -> None:
    data = ted(
        lots="<TYPE_CONTRACT CTYPE='SUPPLIES'/><LOT_DIVISION><LOT_ONE_ONLY/><LOT_MAX_ONE_TENDERER>2</LOT_MAX_ONE_TENDERER></LOT_DIVISION>"
        + TWO.replace("</DURATION>", "</DURATION><DATE_START>2021-03-01</DATE_START><NO_RENEWAL/>"),
        extra="<LEFTI><ECONOMIC_FINANCIAL_MIN_LEVEL><P>Chiffre d'affaires annuel minimal : 200 000 EUR.</P></ECONOMIC_FINANCIAL_MIN_LEVEL></LEFTI>",
    ).replace(
        b"<TOWN>",
        b"<CONTACT_POINT>Achats</CONTACT_POINT><PHONE>+33 100000000</PHONE><E_MAIL>a@b.example</E_MAIL><TOWN>",
    )
    who = b"<ADDRESS_FURTHER_INFO><E_MAIL>c@b.example</E_MAIL></ADDRESS_FURTHER_INFO><URL_DOCUMENT>"
    informed = one("ted", data.replace(b"<URL_DOCUMENT>", who))
    assert facts(informed.contact, "name email phone") == ("Achats", "c@b.example", "+33 100000000")
    tender = one("ted", data)
    assert facts(tender.contact, "name email phone") == ("Achats", "a@b.example", "+33 100000000")
    assert one("ted", data.replace(b">Achats<", b">c@b.example<")).contact.name == ""
    assert (tender.lots_per_tender, tender.lots_per_winner) == (2, 2)
    first = tender.lots[0]
    expected = ("supplies", 0, date(2021, 3, 1), 200_000.0)
    assert facts(first, "contract_type renewals start turnover_min") == expected
    assert first.deadline is not None and hour_stated(first.deadline)
    dayonly = one("ted", data.replace(b"<TIME_RECEIPT_TENDERS>12:00</TIME_RECEIPT_TENDERS>", b""))
    assert dayonly.deadline is not None and not hour_stated(dayonly.deadline)
    assert dayonly.deadline.date() == date(2021, 2, 1)


def in_form(form: str) -> Tender:
    """A notice that is a form alone."""
    coded = "<CODIF_DATA><NC_CONTRACT_NATURE CODE='4'>Services</NC_CONTRACT_NATURE></CODIF_DATA>"
    head = f'<TED_EXPORT DOC_ID="000124-2021"><CODED_DATA_SECTION>{coded}</CODED_DATA_SECTION>'
    return one("ted", f"{head}<FORM_SECTION>{form}</FORM_SECTION></TED_EXPORT>".encode())


def test_a_defence_notice_and_a_contest_say_what_is_bought_how_and_whom_to_ask() -> None:
    tender = in_form(
        """<CONTRACT_DEFENCE CATEGORY="ORIGINAL" LG="FR"><CA_CE_CONCESSIONAIRE_PROFILE><ORGANISATION><OFFICIALNAME>Base</OFFICIALNAME>
 </ORGANISATION><ATTENTION>Mme Roc</ATTENTION><E_MAILS><E_MAIL>a@b.example</E_MAIL></E_MAILS></CA_CE_CONCESSIONAIRE_PROFILE>
 <FURTHER_INFORMATION><PHONE>+33 200000000</PHONE></FURTHER_INFORMATION><TITLE_CONTRACT><P>Gilets</P></TITLE_CONTRACT>
 <OPTIONS><OPTION_DESCRIPTION><P>Un étui.</P></OPTION_DESCRIPTION></OPTIONS>
 <TYPE_CONTRACT VALUE="SUPPLIES"/><PERIOD_WORK_DATE_STARTING><MONTHS>24</MONTHS></PERIOD_WORK_DATE_STARTING><PT_RESTRICTED/></CONTRACT_DEFENCE>"""
    )
    (lot,) = tender.lots
    assert tender.procedure == "restreinte"
    assert facts(tender.contact, "name email phone") == ("Mme Roc", "a@b.example", "+33 200000000")
    assert facts(lot, "contract_type duration_months options") == ("supplies", 24.0, "Un étui.")
    framework = in_form(
        """<CONTRACT_DEFENCE CATEGORY="ORIGINAL" LG="FR"><TITLE_CONTRACT><P>Gilets</P></TITLE_CONTRACT>
 <DURATION_FRAMEWORK_YEAR>4</DURATION_FRAMEWORK_YEAR><F17_ANNEX_B><LOT_TITLE>S</LOT_TITLE><LOW_VALUE>5 000</LOW_VALUE><HIGH_VALUE>9 000</HIGH_VALUE></F17_ANNEX_B></CONTRACT_DEFENCE>"""
    )
    assert facts(framework.lots[0], "duration_months amount") == (48.0, 9_000.0)
    contest = '<F12_2014 CATEGORY="ORIGINAL" LG="FR"><OBJECT_CONTRACT><TITLE><P>Concours</P></TITLE></OBJECT_CONTRACT></F12_2014>'
    assert in_form(contest).lots[0].contract_type == "services"
    winner = "<WINNER><ADDRESS_WINNER><OFFICIALNAME>{}</OFFICIALNAME></ADDRESS_WINNER></WINNER>"
    for names, relation in (("AB", "unknown"), (("A (mandataire)", "B"), "group")):
        team = "".join(map(winner.format, names))
        prize = f"<RESULTS><AWARDED_PRIZE><WINNERS>{team}</WINNERS></AWARDED_PRIZE></RESULTS>"
        (won,) = in_form(contest.replace("F12", "F13").replace("</F13", f"{prize}</F13")).awards
        assert (len(won.holders), won.relation) == (2, relation)


@pytest.mark.parametrize(("form", "procedure", "flags", "way"), tupled("concessions and adapted procedures"))
def test_concessions_and_adapted_ways(form: str, procedure: str, flags: tuple[str, ...], way: str) -> None:
    data = ted(form=form, lots=TWO).replace(b"<PT_OPEN/>", procedure.encode())
    if directive := re.search(r"DIRECTIVE_(\d+)_(\d+)", procedure):  # the older form states its directive so
        stated = f'<DIRECTIVE VALUE="{directive[1]}/{directive[2]}/EC"/><CONTRACTING_BODY>'
        data = data.replace(b"<CONTRACTING_BODY>", stated.encode())
    tender = one("ted", data)
    assert (tender.flags, tender.procedure) == (flags, way)


def test_the_deadline_of_a_prior_notice_that_calls_is_that_of_its_expressions_of_interest() -> None:
    data = (SAMPLE / "eforms" / "2026-metropole-proprete.xml").read_text("utf-8")
    within = "ext:UBLExtensions ext:UBLExtension ext:ExtensionContent efext:EformsExtension".split()
    period, interest = "cac:TenderSubmissionDeadlinePeriod>", "efac:InterestExpressionReceptionPeriod>"
    opens, closes = (f"<{'><'.join(within)}><{interest}", f"</{interest}</{'></'.join(within[::-1])}>")
    data = data.replace(f"<{period}", opens).replace(f"</{period}", closes)
    deadline = one("eforms", data.encode()).lots[0].deadline
    assert deadline is not None and (deadline.date(), deadline.hour) == (date(2027, 1, 28), 12)


def test_an_activity_of_the_utilities_makes_the_buyer_an_entity_and_one_address_is_a_contact() -> None:
    data = ted(lots=TWO).replace(b"<TOWN>", b"<E_MAIL>a@b.example et c@b.example</E_MAIL><TOWN>")
    assert one("ted", data).buyer.type == ""
    data = data.replace(b"</CONTRACTING_BODY>", b'<CE_ACTIVITY VALUE="ELECTRICITY"/></CONTRACTING_BODY>')
    tender = one("ted", data)
    assert (tender.buyer.type, tender.contact.email) == ("entity", "a@b.example")
    for words, kind in (("Santé", ""), ("Production d'eau", "entity")):  # of who took the form of entities
        told = data.replace(
            b'<CE_ACTIVITY VALUE="ELECTRICITY"/>', f"<CE_ACTIVITY_OTHER>{words}</CE_ACTIVITY_OTHER>".encode()
        )
        assert one("ted", told).buyer.type == kind


def test_renewals_by_duration_and_the_period_of_a_framework_are_read() -> None:
    text = "La durée de validité est la période des commandes. Elle est fixée à un an. Le marché est reconductible trois fois par durée d'un an."
    lots = LOT.format(n=1, title="Vitres", cpv="90911300", text=text, value=9)
    (lot,) = one("ted", ted(lots=lots.replace('<DURATION TYPE="MONTH">24</DURATION>', ""))).lots
    assert (lot.duration_months, lot.renewals, lot.renewal_months) == (12.0, 3, 12.0)
    of_each = "<P>Pour le lot 1 : reconductible trois fois un an.</P><P>Pour les lots 2 et 3 : reconductible deux fois un an.</P>"
    both = TWO.replace("</OBJECT_DESCR>", f"<RENEWAL_DESCR>{of_each}</RENEWAL_DESCR></OBJECT_DESCR>")
    assert [lot.renewals for lot in one("ted", ted(lots=both)).lots] == [3, 2]


def test_the_field_reserves_and_the_text_of_one_lot_tells_the_article_of_that_lot_alone() -> None:
    box = "<LEFTI><RESTRICTED_SHELTERED_WORKSHOP/></LEFTI>"
    for extra, origin in (("", "text"), (box, "field")):
        first, second = (lot.reservation for lot in one("ted", ted(lots=TWO, extra=extra)).lots)
        assert first is None and second is not None
        assert (second.origin, second.articles) == (origin, ("L2113-12",))
    (alone,) = one("ted", ted(extra=box)).lots
    assert alone.reservation is not None and alone.reservation.articles == ()  # never guessed


def test_what_has_no_list_of_lots_is_one_lot() -> None:
    (lot,) = one("ted", ted()).lots
    assert facts(lot, "number title cpv amount") == ("1", "Entretien des écoles", ("90911200",), 400000.0)
    assert lot.inferred == ("places",) and lot.places[0].inferred  # from the buyer, and marked
    alone = published("boamp simple form")
    alone["FNSimple"]["initial"]["lots"]["lot"] = {"intitule": "Tonte seule"}
    assert [lot.title for lot in one("boamp", boamp(record(alone))).lots] == ["Tonte seule"]


def test_french_is_chosen_among_languages_and_an_hour_without_offset_is_that_of_paris() -> None:
    german = '<F02_2014 CATEGORY="ORIGINAL" FORM="F02" LG="DE"><OBJECT_CONTRACT><TITLE><P>Reinigung</P></TITLE></OBJECT_CONTRACT></F02_2014>'
    assert one("ted", ted(more=german)).title == "Entretien des écoles"
    assert one("ted", ted(language="DE")).language == "de"
    summer = ted().replace(b"2021-02-01", b"2021-07-01")
    for data, hours in ((ted(), 1), (summer, 2)):
        deadline = one("ted", data).deadline
        assert deadline is not None and deadline.utcoffset() == timedelta(hours=hours) and deadline.hour == 12


def test_awards_name_their_winners_and_keep_a_wrong_siret_flagged() -> None:
    award = """<AWARD_CONTRACT ITEM="1"><LOT_NO>2</LOT_NO><AWARDED_CONTRACT><DATE_CONCLUSION_CONTRACT>2021-03-15</DATE_CONCLUSION_CONTRACT>
     <TENDERS><NB_TENDERS_RECEIVED>3</NB_TENDERS_RECEIVED></TENDERS><CONTRACTORS><AWARDED_TO_GROUP/>
     <CONTRACTOR><ADDRESS_CONTRACTOR><OFFICIALNAME>Alpha</OFFICIALNAME><NATIONALID>RCS Rouen 732 829 320 00074</NATIONALID></ADDRESS_CONTRACTOR></CONTRACTOR>
     <CONTRACTOR><ADDRESS_CONTRACTOR><OFFICIALNAME>Gamma (sous-traitant)</OFFICIALNAME></ADDRESS_CONTRACTOR></CONTRACTOR>
     <CONTRACTOR><ADDRESS_CONTRACTOR><OFFICIALNAME>Bêta</OFFICIALNAME><NATIONALID>73282932000075</NATIONALID></ADDRESS_CONTRACTOR></CONTRACTOR>
     </CONTRACTORS><VALUES><VAL_TOTAL CURRENCY="EUR">361000</VAL_TOTAL></VALUES></AWARDED_CONTRACT></AWARD_CONTRACT>"""
    (made,) = one("ted", ted("F03_2014", lots=TWO, extra=award)).awards
    wanted = (361000.0, date(2021, 3, 15), "group", 3)
    assert facts(made, "amount notified relation offers_received") == wanted
    expected = [("Alpha", "73282932000074", ()), ("Bêta", "73282932000075", ("siret-checksum",))]
    assert [(h.name, h.id, h.flags) for h in made.holders] == expected
    assert made.source == "ted:123-2021/2" and made.title == "Locaux"


def test_a_correction_tells_what_it_changes_and_the_new_deadline() -> None:
    change = """<CHANGES><CHANGE><WHERE><SECTION>IV.2.2)</SECTION><LABEL>Date limite</LABEL></WHERE>
      <OLD_VALUE><DATE>2021-02-01</DATE></OLD_VALUE><NEW_VALUE><DATE>2021-02-15</DATE><TIME>16:00</TIME></NEW_VALUE></CHANGE></CHANGES>"""
    tender = one("ted", ted("F14_2014", extra=change))
    assert tender.deadline is not None and tender.deadline.strftime("%d %H") == "15 16"
    assert "2021-02-15" in tender.change


ROUTING = (SAMPLE / "eforms" / "2026-region-routage.xml").read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "data", "reason"),
    [
        ("ted", b'<TED_EXPORT DOC_ID="000123-2021"><FORM_SECTION/></TED_EXPORT>', "no form"),
        ("ted", ted().replace("<TITLE><P>Entretien des écoles</P></TITLE>".encode(), b""), "title"),
        ("eforms", re.sub("<cac:ProcurementProjectLot>.*</cac:ProcurementProjectLot>", "", ROUTING, flags=re.S).encode(), "BT-137"),
        ("eforms", ROUTING.replace(">cn-standard<", "><").encode(), "BT-02"),
    ],
)  # fmt: skip
def test_an_incomplete_notice_is_set_aside_with_what_it_lacks(source: str, data: bytes, reason: str) -> None:
    (rejected,) = read(source, data)
    assert isinstance(rejected, Rejected) and reason in rejected.reason


def test_a_seven_digit_cpv_and_an_impossible_date_leave_the_notice_readable() -> None:
    tender = one("ted", ted().replace(b"90911200", b"5091120").replace(b"2021-02-01", b"2021-02-31"))
    assert (tender.lots[0].cpv, tender.deadline) == ((), None)


def test_the_sample_eforms_are_read_lot_by_lot() -> None:
    tender = one("eforms", ROUTING.encode())
    assert [lot.number for lot in tender.lots] == ["1", "2", "3"]
    assert [lot.reservation is not None for lot in tender.lots] == [True, False, True]
    assert tender.lots[0].reservation is not None and tender.lots[0].reservation.articles == ()
    assert all(lot.amount and lot.deadline and lot.cpv for lot in tender.lots)
    assert {c.nature for c in tender.lots[0].clauses} == {"objective"}
    # the main code that all repeat is the contract's, but of the lot that adds it again
    between = re.findall(r"(?s)</cac:AdditionalC.*?>", ROUTING)[0] + "<cac:AdditionalCommodityClassification>"
    again = f"<cbc:ItemClassificationCode>79810000</cbc:ItemClassificationCode>{between}"
    added = '<cbc:ItemClassificationCode listName="cpv">92512000'
    alike = re.sub(">79(?:571000|999100)<", ">79810000<", ROUTING).replace(added, again + added)
    codes = [lot.cpv for lot in one("eforms", alike.encode()).lots]
    assert codes == [("79810000",), ("79820000",), ("79810000", "92512000")]


def test_groups_of_lots_are_no_lots_and_parts_are_where_there_is_none() -> None:
    grouped = ROUTING.replace('schemeName="Lot">LOT-0003', 'schemeName="LotsGroup">GLO-0001')
    assert [lot.number for lot in one("eforms", grouped.encode()).lots] == ["1", "2"]
    mixed = grouped.replace('schemeName="Lot">LOT-0001', 'schemeName="Part">PAR-0001')
    assert [lot.number for lot in one("eforms", mixed.encode()).lots] == ["2"]
    parts = ROUTING.replace('schemeName="Lot"', 'schemeName="Part"').replace(">LOT-", ">PAR-")
    lots, announced = (one("eforms", text.encode()).lots for text in (ROUTING, parts))
    assert [replace(lot, id="") for lot in announced] == [replace(lot, id="") for lot in lots]


def test_an_award_notice_leads_from_the_lot_to_its_winner() -> None:
    text = (SAMPLE / "eforms" / "2026-universite-attribution.xml").read_text(encoding="utf-8")
    tender = one("eforms", text.encode())
    assert tender.nature == "award" and len(tender.awards) == 2
    assert all(award.holders and award.amount for award in tender.awards)
    pounds = one(
        "eforms", text.replace('PayableAmount currencyID="EUR"', 'PayableAmount currencyID="GBP"').encode()
    )
    assert {lot.currency for lot in pounds.lots} == {"GBP"}
    alone = re.sub(r"(?s)<efac:LotResult>.*</efac:LotResult>", "", text)  # as a change tells its contracts
    told = [replace(award, offers_received=None) for award in tender.awards]
    assert told == [*one("eforms", alone.encode()).awards]
    head, *lots = re.split("(?=<cac:ProcurementProjectLot>)", text)
    codes = r"(?s)<cac:\w+CommodityClassification>.*?</cac:\w+CommodityClassification>"
    bare = head + re.sub(codes, "", "".join(lots))
    changed = bare.replace(">can-standard<", ">can-modif<")  # repeats no more of a lot than it changes
    assert all(lot.cpv for lot in one("eforms", changed.encode()).lots)


def test_another_document_is_not_an_eforms_notice() -> None:
    with pytest.raises(BadInput, match="root is Invoice"):
        read("eforms", b"<Invoice/>")


FNS, OLD = published("boamp simple form"), published("boamp older form")


def record(donnees: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return published("boamp", **({"donnees": json.dumps(donnees)} if donnees else {}), **fields)


def boamp(*records: dict[str, Any], shape: str = "page") -> bytes:
    if shape == "lines":
        return "\n".join(map(json.dumps, records)).encode()
    page = {"total_count": len(records), "results": records}
    return json.dumps(page if shape == "page" else records).encode()


def test_a_national_notice_is_read_lot_by_lot() -> None:
    tender = one("boamp", boamp(record(FNS)))
    first, second = tender.lots
    expected = ("Entretien des parcs", "26S003", "https://profil.example.org/1", "73282932000074", "Semis")
    assert facts(tender, "title reference documents_url buyer.id buyer.name") == expected
    assert tender.deadline == datetime(2026, 11, 2, 12, tzinfo=timezone(timedelta(hours=1)))
    assert (first.cpv, first.amount, first.duration_months) == (("77314100",), 45000.0, 36.0)
    assert second.cpv == ("77310000",)  # its own is not stated: the contract's
    assert first.reservation is not None and second.reservation is None
    assert [c.hours for c in second.clauses] == [120.0] and not first.clauses
    assert {c.code for c in first.conditions} >= {"visit"}


TWO_RECORDS = record(FNS), record(idweb="26-2")
RECORD = TWO_RECORDS[0]
SAVED = {"raw_fields": RECORD, "title": "x"}, {"fields": RECORD}, {"record": {"fields": RECORD}}


@pytest.mark.parametrize(
    "data",
    [
        *(boamp(*TWO_RECORDS, shape=shape) for shape in ("page", "list", "lines")),
        *(boamp(saved, TWO_RECORDS[1], shape="list") for saved in SAVED),
        json.dumps({"nhits": 2, "records": [{"fields": each} for each in TWO_RECORDS]}).encode(),
    ],
)
def test_every_shape_of_pages_exports_and_saved_records_holds_the_same(data: bytes) -> None:
    first, second = read("boamp", data)
    assert isinstance(first, Tender) and first.title == "Entretien des parcs"
    assert isinstance(second, Tender) and second.id == "26-2"


def test_of_a_cut_export_or_a_bad_record_the_good_ones_are_read() -> None:
    whole = boamp(*(record(FNS, idweb=f"26-{i}") for i in range(5)))
    records = read("boamp", whole[: len(whole) * 7 // 10])
    assert [r.id for r in records if isinstance(r, Tender)] == ["26-0", "26-1", "26-2"]
    assert isinstance(records[-1], Rejected) and "cut" in records[-1].reason
    nameless = {"nomacheteur": "sans identifiant", "url_avis": "x"}
    records = read("boamp", boamp(nameless, record(), {**record(), "donnees": "{cut"}))
    assert [type(r).__name__ for r in records] == ["Rejected", "Tender", "Rejected"]
    assert "identifier" in records[0].reason and "JSON" in records[2].reason  # type: ignore[union-attr]


def test_corrections_cancellations_and_awards_are_distinguished_and_linked() -> None:
    natures = {
        "correction": record(FNS, nature="RECTIFICATIF", annonce_lie=["26-0"]),
        "cancellation": record(FNS, etat="ANNULATION", annonce_lie="26-0"),
        "award": record(FNS, nature="ATTRIBUTION", annonces_anterieures="26-0", titulaire=["Alpha"]),
    }
    for nature, made in natures.items():
        tender = one("boamp", boamp(made))
        assert (tender.nature, tender.related) == (nature, ("26-0",))


def test_a_national_correction_says_what_changes_without_the_object_that_it_repeats() -> None:
    form = published("boamp simple form")
    market = {"intitule": form["FNSimple"].pop("initial")["natureMarche"]["intitule"]}
    for said in ("Au lieu de : 2 novembre. Lire : 9 novembre.", ""):
        form["FNSimple"]["rectificatif"] = {"rectificatif": said, "natureMarche": market}
        assert one("boamp", boamp(record(form, nature="RECTIFICATIF"))).change == said


def test_a_mapa_award_names_its_winner_and_price() -> None:
    price = {"@devise": "EUR", "valeur": "50044"}
    result = {"resultat": {"attribue": {"titulaire": {"PersonneMorale": "Alpha SAS "}, "montant": price}}}
    buyer = {"acheteurPublic": "Université", "adr": {"cp": "69100", "ville": "Villeurbanne"}}
    given = {"organisme": buyer, "attribution": {"avisInitial": {"idWeb": "26-0"}, "attribution": result}}
    tender = one("boamp", boamp(record({"MAPA": given}, nature="ATTRIBUTION")))
    (award,) = tender.awards
    assert facts(tender, "nature related buyer.place.department") == ("award", ("26-0",), "69")
    assert (award.holders[0].name, award.amount) == ("Alpha SAS", 50044.0)


def test_the_older_schema_is_read_and_an_unknown_one_walked_for_its_texts_and_codes() -> None:
    tender = one("boamp", boamp(record(OLD)))
    (lot,) = tender.lots
    assert (lot.number, lot.title, lot.amount) == ("4", "VITRES", 1200.0)
    assert lot.places[0].department == "75" and tender.description == "NETTOYAGE DES ECOLES DE LA VILLE"
    unknown = {"SCHEMA_2031": {"quoi": [{"texte": "Collecte du papier de bureau", "cpv_x": "90511000-2"}]}}
    tender = one("boamp", boamp(record(unknown, objet="")))
    assert "Collecte du papier" in tender.description and tender.lots[0].cpv == ("90511000",)
    assert tender.flags == ("schema-unknown",)


BOXES = "MARCHE_RESERVE_OUI= marcheReserve=oui MARCHE_RESERVE_NON= marcheReserve=non"


@pytest.mark.parametrize("box", BOXES.split())
def test_a_box_reserves_only_when_it_is_ticked(box: str) -> None:
    name, _, said = box.partition("=")
    (lot,) = one("boamp", boamp(record({**OLD, "CONDITION_PARTICIPATION": {name: said}}))).lots
    assert (lot.reservation is not None) is ("oui" in box.lower())


def test_the_sample_pages_hold_what_their_card_says() -> None:
    lots = {t.id: t.lots for t in files.read([SAMPLE]) if isinstance(t, Tender)}
    numbers = "26-130101", "26-130781", "26-130377"
    reserved = {number: [bool(lot.reservation) for lot in lots[number]] for number in numbers}
    assert reserved["26-130101"][:2] == [True, False]
    assert not any(reserved["26-130781"] + reserved["26-130377"])
    hours = [next(c.hours for c in lot.clauses if c.nature == "execution") for lot in lots["26-130377"]]
    assert hours == [1100.0, 300.0, 350.0, 650.0, 400.0]


@real
@pytest.mark.shared
def test_every_real_ted_notice_is_read_with_its_exact_lots() -> None:
    for path in bench.ted_files():
        (tender,) = bench.read_one(path)
        assert isinstance(tender, Tender), tender
        oracle = bench.Oracle(path)
        if oracle.form.tag.endswith("_2014"):
            assert len(tender.lots) == max(oracle.lots, 1), path.name
            if oracle.french:
                assert tender.language == "fr"
                assert bench.same(tender.title, oracle.text("OBJECT_CONTRACT", "TITLE")), path.name


@real
@pytest.mark.shared
def test_real_ted_fields_equal_an_independent_xpath() -> None:
    for path in bench.ted_files()[::12]:
        if (oracle := bench.Oracle(path)).form.tag.endswith("_2014"):
            assert list(bench.differences(bench.read_one(path)[0], oracle)) == [], path.name


@real
@pytest.mark.shared
def test_every_valid_sdk_example_has_its_exact_lots_and_every_invalid_one_is_named() -> None:
    from lxml import etree

    for path in sorted((REAL / "eforms_sdk").glob("*.xml")):
        (made,) = read("eforms", path.read_bytes(), path.name)
        if path.name.startswith("INVALID"):
            assert isinstance(made, Rejected) and made.reason.startswith("invalid notice"), path.name
        elif not path.name.startswith("X0"):
            pieces = etree.parse(str(path)).xpath("/*/*[local-name()='ProcurementProjectLot']/*/@schemeName")
            count = pieces.count("Lot") or pieces.count("Part") or 1
            assert isinstance(made, Tender) and len(made.lots) == count, path.name


@real
@pytest.mark.shared
def test_the_real_eforms_and_boamp_notices_are_read() -> None:
    records = list(files.read([REAL / "eforms", REAL / "boamp"]))
    assert [type(r).__name__ for r in records] == ["Tender"] * 6
    cancelled, call, two = (r for r in records if isinstance(r, Tender) and r.format == "boamp")
    assert (cancelled.nature, cancelled.related[:1] or cancelled.related) != ("call", ())
    assert call.id in cancelled.related and len(two.lots) == 2
