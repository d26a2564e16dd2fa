"""Why a field of a request is invalid, and what is wanted instead; the errors of pydantic in both languages."""

from collections.abc import Mapping
from typing import Any

from service.schemas import CPV, DEPARTMENT, WANTED

#: Type of error -> what is wanted, with what pydantic tells of it.
FRENCH = {
    "missing": "manque : donnez ce champ",
    "string_type": "un texte est attendu",
    "string_too_long": "{max_length} caractères au plus",
    "string_too_short": "{min_length} caractères au moins",
    "too_long": "{max_length} valeurs au plus",
    "too_short": "{min_length} valeurs au moins",
    "int_parsing": "un nombre entier est attendu",
    "int_type": "un nombre entier est attendu",
    "int_from_float": "un nombre entier est attendu",
    "float_parsing": "un nombre est attendu",
    "float_type": "un nombre est attendu",
    "finite_number": "un nombre fini est attendu",
    "greater_than": "plus de {gt} est attendu",
    "greater_than_equal": "{ge} au moins",
    "less_than": "moins de {lt} est attendu",
    "less_than_equal": "{le} au plus",
    "bool_parsing": "true ou false est attendu",
    "bool_type": "true ou false est attendu",
    "list_type": "une liste est attendue",
    "dict_type": "un objet JSON est attendu",
    "model_attributes_type": "un objet JSON est attendu",
    "literal_error": "choisissez {expected}",
    "enum": "choisissez {expected}",
    DEPARTMENT: "un numéro de département est attendu : 35, 2A ou 974",
    CPV: "un code CPV ou ses premiers chiffres sont attendus : 77 ou 77310000",
}
DAY = "une date est attendue : AAAA-MM-JJ"
IDENTITY = "un SIRET de 14 chiffres est attendu (ou un numéro FINESS, SIREN, RNA ou d'adhérent, que donne la recherche par nom, /v1/structures)"


def why(fault: Mapping[str, Any], fields: str = "") -> str:
    """What is wanted of an invalid field, in English; `fields` are those there are."""
    if wanted := WANTED.get(fault.get("ctx", {}).get("pattern", "")):
        return f"give a {wanted}"
    if fault["type"] == "extra_forbidden":
        return f"no such field{f': the fields are {fields}' if fields else ': leave it out'}"
    if fault["type"].startswith("date"):
        return "a day is wanted: YYYY-MM-DD"
    return str(fault["msg"]).removeprefix("Value error, ")


def why_in_french(fault: Mapping[str, Any], fields: str = "") -> str:
    """The same in French."""
    if (pattern := fault.get("ctx", {}).get("pattern", "")) in WANTED:
        return FRENCH.get(pattern, IDENTITY)
    if fault["type"] == "extra_forbidden":
        return f"champ inconnu{f' : les champs sont {fields}' if fields else ' : retirez-le'}"
    if fault["type"].startswith("date"):
        return DAY
    told = FRENCH.get(fault["type"], "valeur invalide (voyez /docs)")
    return told.format_map({"expected": "", **fault.get("ctx", {})}).replace(" or ", " ou ")
