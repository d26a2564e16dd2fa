"""What the codes of TED XML R2.0.9 mean: forms, types of notices and buyers, procedures, criteria, reservations."""

from __future__ import annotations

from typing import Literal

from matcher import domain

#: Nature by form; forms that hold several kinds of notice are distinguished by `NOTICE/@TYPE` below.
FORMS: dict[str, domain.Nature] = {
    "F01": "prior", "F02": "call", "F03": "award", "F04": "prior", "F05": "call", "F06": "award", "F07": "call",
    "F08": "other", "F12": "call", "F13": "award", "F14": "correction", "F15": "award", "F16": "prior",
    "F17": "call", "F18": "award", "F19": "call", "F20": "modification", "F21": "call", "F22": "call",
    "F23": "call", "F24": "call", "F25": "award", "T01": "prior", "T02": "award",
    "PRIOR_INFORMATION_DEFENCE": "prior", "CONTRACT_DEFENCE": "call",
    "CONTRACT_CONCESSIONAIRE_DEFENCE": "call", "CONTRACT_AWARD_DEFENCE": "award",
}  # fmt: skip
TYPES: dict[str, domain.Nature] = {
    "AWARD_CONTRACT": "award",
    "CONCESSION_AWARD_CONTRACT": "award",
    "CONTRACT": "call",
    "PER_CALL_COMPETITION": "call",
    "PER_ONLY": "prior",
    "PRI_CALL_COMPETITION": "call",
    "PRI_ONLY": "prior",
    "PRI_REDUCING_TIME_LIMITS": "prior",
    "PER_REDUCING_TIME_LIMITS": "prior",
    "QSU_CALL_COMPETITION": "call",
    "QSU_ONLY": "call",
}
#: The document type of the coded data (TD_DOCUMENT_TYPE), for forms that are not in the table.
DOCUMENTS: dict[str, domain.Nature] = {
    "0": "prior",
    "1": "correction",
    "2": "correction",
    "3": "call",
    "7": "award",
}
PROCEDURES = {
    "PT_OPEN": "ouverte",
    "PT_RESTRICTED": "restreinte",
    "PT_COMPETITIVE_NEGOTIATION": "négociée avec mise en concurrence préalable",
    "PT_COMPETITIVE_DIALOGUE": "dialogue compétitif",
    "PT_INNOVATION_PARTNERSHIP": "partenariat d'innovation",
    "PT_INVOLVING_NEGOTIATION": "négociée avec mise en concurrence préalable",
    "PT_NEGOTIATED_WITH_PRIOR_CALL": "négociée avec mise en concurrence préalable",
    "PT_NEGOTIATED_WITHOUT_PUBLICATION": "négociée sans mise en concurrence préalable",
    "PT_AWARD_CONTRACT_WITHOUT_CALL": "négociée sans mise en concurrence préalable",
    "PT_AWARD_CONTRACT_WITHOUT_PUBLICATION": "négociée sans mise en concurrence préalable",
    "PT_NEGOTIATED_WITH_PUBLICATION_CONTRACT_NOTICE": "négociée avec mise en concurrence préalable",
    "PT_NEGOTIATED_CHOICE": "négociée avec mise en concurrence préalable",
    "PT_AWARD_CONTRACT_WITH_PRIOR_PUBLICATION": "attribution de concession, avec publication préalable",
}
#: What `PROCEDURES` calls negotiated without a call, where a concession is awarded so.
WITHOUT_CALL = frozenset(name for name in PROCEDURES if "_WITHOUT_" in name)
CONCEDED = "attribution de concession, sans publication préalable"
#: Reasons of annex D for no call: outside the directives, or services that they only list.
ADAPTED = frozenset({"D_OUTSIDE_SCOPE", "D_SERVICES_LISTED"})
#: Forms of concessions alone; not all that use them state their legal basis.
CONCESSIONS = frozenset({"F23", "F24", "F25"})
#: Buyer by its type (CA_TYPE): those that the thresholds tell apart.
BUYERS: dict[str, Literal["state", "local"]] = {
    "MINISTRY": "state",
    "NATIONAL_AGENCY": "state",
    "REGIONAL_AUTHORITY": "local",
    "REGIONAL_AGENCY": "local",
}
CRITERIA: dict[str, Literal["price", "cost", "quality", ""]] = {
    "AC_PRICE": "price", "AC_COST": "cost", "AC_QUALITY": "quality", "AC_CRITERIA": "", "AC_CRITERION": "",
}  # fmt: skip
RESERVED = {
    "RESTRICTED_SHELTERED_WORKSHOP": "Marché réservé à des ateliers protégés et à des opérateurs d'insertion (III.1.5)",
    "RESTRICTED_SHELTERED_PROGRAM": "Exécution réservée à des programmes d'emplois protégés (III.1.5)",
}
#: Article 77 of directive 2014/24/EU, which this field names, is article L2113-15 of the code.
SERVICE_MISSION = (
    "Participation réservée aux organisations de l'article 77 de la directive 2014/24/UE (III.1.4)"
)
