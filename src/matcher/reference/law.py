"""Dated legal rules: lookups in the table `law.csv` for a given day, and their consequences.

The single table (`data/assumptions/law.csv`, or the user's own of that name) holds each article, its summary, its dates
in force, its figure, and the source where its text was checked, or that it is still to be verified.  Thresholds, shares,
articles and dates are looked up here by code and day; none is written elsewhere.  The product
informs and gives no legal advice: every rule is shown with its article, its date and "à vérifier".
Amounts are euros before tax, shares run from 0 to 1, dates are the first and the last day in force.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, groupby
from pathlib import Path
from typing import Literal

from matcher.domain import DISABILITY_KINDS, KINDS, SIAE_KINDS, BadInput, Buyer, Lot, Tender
from matcher.reference import amounts, tables
from matcher.reference.french import euros
from matcher.reference.text import fold

BuyerType = Literal["state", "local", "entity"]

#: The articles that reserve a contract, as `Reservation.articles` names them.
DISABILITY, INSERTION, PRISON, COMBINED, ESS = "L2113-12", "L2113-13", "L2113-13-1", "L2113-14", "L2113-15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: a rule while it is in force; `value` is its figure (euros, a share, a factor, years, months)."""

    code: str
    article: str
    text: str
    since: date
    until: date | None = None
    value: float | None = None
    verified: bool = False  # its text was read in `source`; else written from domain knowledge
    source: str = ""

    def holds(self, on: date) -> bool:
        """True when the rule is in force that day."""
        return self.since <= on and (self.until is None or on <= self.until)

    def shown(self) -> str:
        """The rule as it is shown to a user: text, article, date, whether its text was read, "à vérifier"."""
        read = "" if self.verified else "texte non relu, "
        return f"{self.text} ({self.article}, depuis le {self.since:%d/%m/%Y} ; {read}à vérifier)."


# ------------------------------------------------------------------------------------------------- table


def all_rules() -> tuple[Rule, ...]:
    """Every rule of every date, by code and date.  Raises BadInput with the line of a row that cannot be read."""
    return tuple(chain.from_iterable(_by_code(tables.assumptions_file("law.csv")).values()))


@lru_cache(maxsize=8)
def _by_code(path: Path) -> dict[str, tuple[Rule, ...]]:
    reader = tables.csv_rows(path)
    listed = [_rule(row, path, reader.line_num) for row in reader]
    listed.sort(key=lambda r: (r.code, r.since))
    return {code: tuple(rules) for code, rules in groupby(listed, key=lambda rule: rule.code)}


def _rule(row: dict[str, str], path: Path, line: int) -> Rule:
    try:
        return Rule(
            code=row["code"],
            article=row["article"],
            text=re.sub(r"(?<=\d) (?=\d{3}\b)", "\u202f", row["what"]),
            since=date.fromisoformat(row["since"]),
            until=date.fromisoformat(row["until"]) if row["until"] else None,
            value=float(row["value"]) if row["value"] else None,
            verified=row["verified"] == "lu",
            source=row["source"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{path}, ligne {line} : {error} ; gardez les colonnes de la table livrée, des dates AAAA-MM-JJ et des "
            "valeurs en chiffres"
        ) from None


def rules(on: date) -> tuple[Rule, ...]:
    """The rules in force that day, by code; at most one for each code."""
    return tuple(r for r in all_rules() if r.holds(on))


def rule(code: str, on: date) -> Rule | None:
    """The rule of that code in force that day, or None where there was none yet (or it is not known).

    Raises BadInput for an unknown code.
    """
    return next((r for r in _named(code) if r.holds(on)), None)


def _named(code: str) -> tuple[Rule, ...]:
    listed = _by_code(tables.assumptions_file("law.csv")).get(code)
    if not listed:
        raise BadInput(
            f"aucune règle ne porte le code {code!r} ; les codes sont ceux de la table livrée, data/assumptions/law.csv"
        )
    return listed


def value(code: str, on: date) -> float | None:
    """The figure of a rule that day, or None."""
    in_force = rule(code, on)
    return in_force.value if in_force else None


def article_of(code: str, on: date) -> str:
    """The article to cite for a rule that day; its latest one on a day when the rule did not hold."""
    return (rule(code, on) or _named(code)[-1]).article


# -------------------------------------------------------------------------------------------- thresholds


def formal_threshold(
    on: date, works: bool = False, buyer: BuyerType = "local", social: bool = False
) -> Rule | None:
    """The European threshold: one for the works of all buyers, one for social services, one for each buyer."""
    if works:
        return rule("formal.works", on)
    if social:
        return rule("formal.social-entity" if buyer == "entity" else "formal.social", on)
    return rule(f"formal.{buyer}", on)


def in_force(on: date, *codes: str) -> tuple[Rule, ...]:
    """The rules of these codes on a day, those that there are."""
    return tuple(found for code in codes if (found := rule(code, on)) is not None)


def turnover_ceiling(on: date) -> Rule | None:
    """How many times the amount of the contract or lot a buyer may require as minimum yearly turnover."""
    return rule("capacity.turnover", on)


def buyer_type(buyer: Buyer) -> BuyerType | None:
    """State, local body or contracting entity: from its notice, else from its SIREN; None where unknown.

    A SIREN that begins with 2 is that of a local body, with 11 to 18 that of the State or of a national
    establishment; 19 mixes schools, which are local, and universities, which are the State's.
    """
    if buyer.type:
        return buyer.type
    if not re.fullmatch(r"\d{9}(\d{5})?", buyer.id):
        return None
    return "local" if buyer.id[0] == "2" else "state" if "11" <= buyer.id[:2] <= "18" else None


# --------------------------------------------------------------------------------------- the social condition

#: CPV branches of the social and other specific services (directive 2014/24, annex XIV; avis annexed to the code).
_SOCIAL_BRANCHES = (
    "551 552 553 554 5551 5552 641 75 791 79430 79611 79622 79624 79625 797 7995 79995 80 85 92 "
    "981 982 985 989 50116510 71550"
).split()
#: Those that may be reserved to ESS enterprises (directive 2014/24, article 77), each with all that stands under it.
_ESS_BRANCHES = (
    "75121 75122 75123 79622 79624 79625 8011 803 8042 8043 80511 8052 8059 85 925 926 98133"
).split()


def social_service(cpv: str) -> bool:
    """Whether a CPV code is one of the social and other specific services, by its branch."""
    return cpv.startswith(tuple(_SOCIAL_BRANCHES))


def ess_service(cpv: str) -> bool:
    """Whether a CPV code is one of the services that may be reserved to ESS enterprises, by its branch: 92511000 is 925."""
    return cpv.startswith(tuple(_ESS_BRANCHES))


def social_clause_mandatory(
    amount: float | None,
    on: date,
    works: bool = False,
    buyer: BuyerType | None = "local",
    social: bool = False,
    defence: bool = False,
) -> bool | None:
    """Whether a social condition of performance is mandatory (exceptions aside), for the whole contract; None where unknown.

    Which one is the buyer's choice.  For a buyer of unknown type the answer is given only where all types agree.
    """
    if rule("clause.mandatory", on) is None or defence:
        return False
    if amount is None:
        return None
    types: tuple[BuyerType, ...] = (buyer,) if buyer else ("state", "local", "entity")
    thresholds = [formal_threshold(on, works, each, social) for each in types]
    answers = {None if t is None or t.value is None else amount >= t.value for t in thresholds}
    return answers.pop() if len(answers) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialDuty:
    """What the law requires of a contract whose notice states no social clause: never attributed to the notice."""

    text: str  # French, whole
    short: str  # French, in a line
    rules: tuple[Rule, ...]  # the threshold first
    since: date

    @property
    def article(self) -> str:
        """The article that makes the condition mandatory."""
        return self.rules[1].article


#: "Concession de service public — ...", "Délégation de la gestion du service public d'eau": not "assistance concession".
_CONCESSION = re.compile(
    r"\W*(?:contrat de )?(?:sous-?)?(?:concession|delegation (?:de |du )(?:la gestion du )?service public)\b"
)


def is_concession(tender: Tender) -> bool:
    """Does the notice hand over the running of a service with its risk (L1121-1), by its legal basis, family or title?"""
    stated = "concession" in tender.flags or tender.family == "DSP"
    return stated or bool(_CONCESSION.match(fold(tender.title)))


def social_duty(tender: Tender, lot: Lot) -> SocialDuty | None:
    """The social condition that the law makes mandatory on a lot above the threshold whose notice states none.

    None for a lot whose notice states a condition, a contract under the threshold or of a size that the notice does not
    state, and before the law.  A reserved lot is no exception of the article.
    """
    on = tender.published or date.today()
    if lot.social_conditions:
        return None
    concession = is_concession(tender)
    # by the nature that the notice states; only where it states none by the code, which names works for supplies too
    nature = lot.contract_type or ("works" if lot.cpv and lot.cpv[0].startswith("45") else "")
    works = concession or nature == "works"  # one threshold for works and concessions
    social = bool(lot.cpv) and social_service(lot.cpv[0]) and lot.contract_type in ("", "services")
    buyer, defence = buyer_type(tender.buyer), "defence" in tender.flags
    # a lower bound for the whole contract (R2121-1), renewals included; nothing where no amount is stated
    stated = sum(worth for each in tender.lots if not math.isnan(worth := amounts.total(each))) or None
    if not social_clause_mandatory(stated, on, works, buyer, social, defence):
        return None
    threshold = formal_threshold(on, works, buyer or "entity", social)
    due = rule("clause.concession" if concession else "clause.mandatory", on)
    assert threshold is not None and due is not None
    others = () if concession else in_force(on, "clause.exceptions", "clause.motives")
    short = (
        f"aucune clause lue ; à ce montant une condition sociale, au choix de l'acheteur, est due depuis le "
        f"{due.since:%d/%m/%Y} sauf exception motivée ({due.article}, à vérifier)"
    )
    origin = "lu dans le texte, " if any("amount" in each.inferred for each in tender.lots) else ""
    text = (
        f"Aucune clause sociale n'a été lue. Montant {origin}d'au moins {euros(threshold.value)} HT "
        f"({threshold.article}) : depuis le {due.since:%d/%m/%Y} une condition d'exécution sociale est due "
        f"({due.article}). L'acheteur choisit laquelle : ce ne sont pas forcément des heures d'insertion."
        + "".join(f" {one.text} ({one.article})." for one in others)
        + ("" if concession else _short(lot, works, on))
        + " À vérifier."
    )
    return SocialDuty(text=text, short=short, rules=(threshold, due, *others), since=due.since)


def _short(lot: Lot, works: bool, on: date) -> str:
    months = value("clause.exceptions", on)
    if works and lot.duration_months and months and lot.duration_months < months:
        return f" Durée de {lot.duration_months:g} mois : l'exception des travaux courts est ouverte."
    return ""


# ------------------------------------------------------------------------------------------- reservations

ESS_KINDS = frozenset({"ESUS", "SCOP", "SCIC", "ASSO", "MUTUELLE", "FONDATION", "ESS"})
_ANY = frozenset(KINDS)
#: Article -> kinds that it admits, kinds that it may admit (not determined by their status).
_OPEN: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    DISABILITY: (DISABILITY_KINDS, frozenset()),
    INSERTION: (SIAE_KINDS - {"EITI"}, frozenset({"EITI"})),
    # Any operator of prison work: no legal status is required, so only a workshop's kind is conclusive.
    PRISON: (frozenset({"SEP"}), _ANY - {"SEP"}),
    # An association intermédiaire is an association by definition; the others may be companies.
    ESS: (ESS_KINDS | {"AI"}, (SIAE_KINDS | DISABILITY_KINDS | {"GEIQ"}) - {"AI"}),
}
#: Articles that open to the same kinds: both together, conditions of the same kind, reserved concessions.
_TOGETHER = {
    COMBINED: (DISABILITY, INSERTION),
    "L2113-16": (ESS,),
    "L3113-1": (DISABILITY,),
    "L3113-2": (INSERTION,),
    "L3113-2-1": (PRISON,),
    "L3113-3": (DISABILITY, INSERTION),
}
#: What "réservé" without an article may mean: eForms' `res-ws` covers both.
UNSPECIFIED = (DISABILITY, INSERTION)
_ARTICLE = re.compile(r"\b([LRD])?\s*\.?\s*(\d{4})\s*-\s*(\d+)(?:\s*-\s*(\d+))?", re.I)


def article(raw: str) -> str:
    """An article as the code writes it ("L2113-13-1") from any common notation ("art. L. 2113-13-1 du CCP")."""
    match = _ARTICLE.search(raw)
    if not match:
        return raw.strip()
    letter, book, number, more = match.groups()
    return f"{(letter or 'L').upper()}{book}-{number}" + (f"-{more}" if more else "")


def eligible(kind: str, articles: Sequence[str], on: date, labels: Iterable[str] = ()) -> bool | None:
    """Whether a structure of this kind may tender for a lot reserved under one of `articles`; None where unknown.

    No article ("article non précisé") stands for those on disability and insertion together, as eForms' res-ws
    does.  `labels` may name other statuses held (a SCOP that is also an EA).  A firm of no known status ("") is
    not presumed admissible; a kind, or an article, that is not known gives None.
    """
    wanted = [part for a in (articles or UNSPECIFIED) for part in _TOGETHER.get(article(a), (article(a),))]
    statuses = {kind, *(label.strip().upper() for label in labels if label.strip().upper() in KINDS)}
    answers = [_admits(one, status, on) for one in wanted for status in statuses]
    if True in answers:
        return True
    return None if None in answers else False


def _admits(wanted: str, kind: str, on: date) -> bool | None:
    if wanted not in _OPEN or kind not in KINDS:
        return None
    if wanted == PRISON and rule("reservation.prison", on) is None:
        return False  # the article did not exist yet
    if wanted == INSERTION and kind == "EITI" and rule("reservation.eiti", on) is None:
        return False  # the experiment had not begun, or has ended
    sure, perhaps = _OPEN[wanted]
    return True if kind in sure else None if kind in perhaps else False
