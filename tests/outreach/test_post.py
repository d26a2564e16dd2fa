"""Letters of the pages: each is queued once, by its name, and leaves once."""

from pathlib import Path

from matcher.outreach import delivery, letters
from matcher.outreach.transport import MailTransport
from matcher.records.store import Store


def test_a_letter_queued_twice_under_one_name_is_one_letter(tmp_path: Path) -> None:
    sender = {"base_url": "https://maillage.example", "sender": "Maillage <m@maillage.example>"}
    transport = MailTransport(**sender, outbox=tmp_path / "out")

    def question(name: str) -> bool:
        told = {"message": "Bonjour", "link": "https://maillage.example/q", "reply_to": "b@ville.example"}
        mail = letters.letter("question", "Tonte", "a@structure.example", transport, name, **told)
        with store.writing() as connection:
            return delivery.queue(
                store, connection, mail, kind="question", siret="00010001600013", record_id="r"
            )

    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        assert question("r|1") and not question("r|1")
        assert question("r|2")
        assert delivery.drain(store, transport) == {"outbox": 2}
        assert not question("r|1"), "nor again once it has left"
        assert not delivery.drain(store, transport)
    assert len(list((tmp_path / "out").glob("*.eml"))) == 2
