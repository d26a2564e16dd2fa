"""What is wrong in the environment is refused at start, in one sentence that names the variable."""

from dataclasses import replace
from pathlib import Path

import pytest
from service.settings import Settings, read, rules_of

from matcher.domain import BadInput
from matcher.outreach.transport import server_of
from records import cases


@pytest.mark.parametrize(
    ("address", "port"), [("smtps://x", 465), ("smtp://u@x", 587), ("smtp://x", 25), ("smtp://u@x:26", 26)]
)
def test_a_mail_server_without_a_port_is_called_at_that_of_its_kind(address: str, port: int) -> None:
    assert server_of(address)[1] == port


@pytest.mark.parametrize(("name", "value"), cases("settings that are wrong"))
def test_a_wrong_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=name) as error:
        read()
    assert not any(word in str(error.value) for word in ("\n", "Value error", "hunter2"))


def test_what_is_right_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (
        ("STORE", "postgresql://maillage:p%40ss%2F@db.example/maillage"), ("RECIPE", "default"), ("RATE", "10/second"),
        ("PUBLIC_URL", "https://maillage.example/"), ("SMTP", "smtps://user%40x@mail.example"), ("CATALOGUE", str(tmp_path)),
        ("CORS", '["http://localhost:5173", "https://a.example"]'),
    ):  # fmt: skip
        monkeypatch.setenv(f"MATCHER_{name}", value)
    assert read().public_url == "https://maillage.example"


def test_mails_of_the_command_line_follow_the_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATCHER_OUTBOX", str(tmp_path / "outbox"))
    assert rules_of().outbox == tmp_path / "outbox" and rules_of().base_url == ""
    monkeypatch.setenv("MATCHER_SMTP", "smtp://mail.example")
    monkeypatch.setenv("MATCHER_SENDER", "Ville <ne-pas-repondre@ville.example>")
    monkeypatch.setenv("MATCHER_PUBLIC_URL", "https://maillage.example")
    rules = tmp_path / "rules.json"
    rules.write_text('{"cap": 3, "sender": "Autre <autre@ville.example>"}')
    found = rules_of(rules)
    assert (found.smtp, found.base_url, found.cap) == ("smtp://mail.example", "https://maillage.example", 3)
    assert found.sender == "Autre <autre@ville.example>"
    assert rules_of(rules, tmp_path) == replace(found, smtp="", outbox=tmp_path)  # --outbox is for this run


def test_a_public_address_says_who_answers_for_it_and_this_machine_need_not(tmp_path: Path) -> None:
    public = {"public_url": "https://maillage.example", "catalogue": tmp_path}
    assert Settings(**public, hosting="Hôte").unnamed == ["MATCHER_CONTROLLER", "MATCHER_OBJECTION"]
    assert Settings(**public, controller="Ville", hosting="Hôte", objection="dpo@ville.example").unnamed == []
    assert Settings(catalogue=tmp_path).unnamed == []
