"""What a consultation says of itself without a label: object, buyer, place."""

from matcher.domain import Rejected, Tender
from matcher.reading import consultation, files

TEXT = """COMMUNE DE VILLEJUIF
1 esplanade des Tilleuls, 94800 VILLEJUIF
REGLEMENT DE LA CONSULTATION
Article 1. La présente consultation concerne l'entretien ménager des gymnases et des écoles. Elle comprend un lot.
Lieu(x) d'exécution : commune de Bobigny (93)
"""


def test_a_first_page_tells_object_buyer_and_place_and_nothing_unstated() -> None:
    assert consultation.concerned(TEXT) == "l'entretien ménager des gymnases et des écoles"
    assert consultation.body(TEXT) == "COMMUNE DE VILLEJUIF"
    assert [place.label for place in consultation.site(TEXT)] == ["Bobigny"]
    assert consultation.seat(TEXT).department == "94"
    text = "Les plis sont ouverts à huis clos. Tél. 01 02 03 04 05."
    assert consultation.concerned(text) == consultation.body(text) == "" and consultation.site(text) == ()
    assert consultation.seat(text).department is None


def test_a_text_with_a_need_on_each_line_is_that_many_needs() -> None:
    lines = "tonte des pelouses à Pantin\nménage de bureaux à Saint-Denis\nmise sous pli de 4 000 courriers, Bobigny\n"
    read = list(files.read_bytes(lines.encode(), "besoins.txt"))
    assert [one.id for one in read if isinstance(one, Tender)] == ["besoins-1", "besoins-3"]
    (several,) = [one for one in read if isinstance(one, Rejected)]
    assert several.record == "line 2" and "Saint-Denis (93)" in several.reason
    letter = "Bonjour,\nnous cherchons pour mars\nune tonte des pelouses à Pantin\nmerci\n"
    assert len(list(files.read_bytes(letter.encode(), "lettre.txt"))) == 1
