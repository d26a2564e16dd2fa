"""Pages of the State's API Recherche d'entreprises: one Structure an establishment, open or closed.

What a legal unit or an establishment asked not to be diffused (status "P" or "N") is not shown: no name,
no address, no coordinates; its SIRET, its commune and whether it is open remain.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO

from matcher.domain import Rejected, Structure
from matcher.reading.sources import _tabular
from matcher.reading.sources._json import listed, objects
from matcher.reading.sources._places import place_of
from matcher.reading.sources._structure import headcount_of_band, kind_of, siret_of, yes_no
from matcher.reference.identifiers import clean_amount, clean_date, clean_naf, rna_identity
from matcher.reference.text import clean

YIELDS = "structure"
LISTS = ("results",)
HIDDEN = "[nom non diffusible]"
Row = Mapping[str, Any]
#: Legal categories (INSEE, catégorie juridique) that are forms of the social economy.
_FORMS = {"5458": "SCOP", "5558": "SCOP", "5658": "SCOP", "92": "ASSO", "9300": "FONDATION", "82": "MUTUELLE"}


def recognises(name: str, head: bytes) -> bool:
    """True for JSON whose keys hold `siren`, `nom_complet` and `siege`."""
    return {"siren", "nom_complet"} <= _tabular.keys_of(head)


def read(stream: BinaryIO, name: str, checked: date | None = None) -> Iterator[Structure | Rejected]:
    """The head office, then the other establishments that matched; `checked` is the day the page was fetched."""
    for place, row in _tabular.rows(stream, name, lists=LISTS):
        if isinstance(row, str):
            yield _tabular.rejected(name, place, row)
            continue
        keys = ("siege", "matching_etablissements", "etablissements")
        places = [place for key in keys for place in objects(row.get(key))]
        offices = {str(p.get("siret")): p for p in reversed(places) if p.get("siret")}
        by_siret: dict[str, Structure] = {}
        reason = "no establishment: ask the API for `siege`"
        for office in reversed(offices.values()):
            siret, flags, refused = siret_of(office.get("siret"), row.get("siren"))
            if refused:
                reason = refused
            else:
                by_siret[siret] = _structure(row, office, siret, flags, _tabular.source_of(name), checked)
        yield from by_siret.values()
        if not by_siret:
            yield _tabular.rejected(name, place, reason)


def _structure(
    row: Row, office: Row, siret: str, flags: tuple[str, ...], source: str, checked: date | None
) -> Structure:
    stated = [row.get("statut_diffusion"), row.get("statut_diffusion_unite_legale")]
    stated.append(office.get("statut_diffusion_etablissement") or office.get("statut_diffusion"))
    # "O" is diffused; "P" (partial) and "N" are not; silence is taken for diffused
    hidden = any(str(status or "O").strip().upper()[:1] in ("P", "N") for status in stated)
    more = row.get("complements")
    complements: Row = more if isinstance(more, Mapping) else {}
    place = place_of(
        town=office.get("libelle_commune"),
        postcode=office.get("code_postal"),
        commune=office.get("commune"),
        latitude=None if hidden else office.get("latitude"),
        longitude=None if hidden else office.get("longitude"),
    )
    name = _shown(row.get("nom_raison_sociale")) or _shown(row.get("nom_complet"))
    brands = map(_shown, [*listed(office.get("liste_enseignes")), office.get("nom_commercial")])
    named = {"est_ess": "ESS", "est_siae": "SIAE", "est_societe_mission": "Société à mission"}
    labels = [label for key, label in named.items() if yes_no(complements.get(key))]
    ceased = yes_no(row.get("etat_administratif")) is False
    flags = (*flags, *["partial-diffusion"] * hidden, *["unit-ceased"] * ceased)
    turnover, year = _turnover(row.get("finances"))
    updated = clean_date(office.get("date_mise_a_jour") or row.get("date_mise_a_jour"))
    return Structure(
        siret=siret,
        name=HIDDEN if hidden or not name else name,
        kind=_kind(complements, str(row.get("nature_juridique") or "")),
        brand="" if hidden else next(filter(None, brands), ""),
        naf=clean_naf(office.get("activite_principale") or row.get("activite_principale")),
        rna=rna_identity(complements.get("identifiant_association")),
        address="" if hidden else _shown(office.get("adresse")),
        place=place,
        labels=tuple(labels),
        turnover=turnover,
        headcount=headcount_of_band(
            office.get("tranche_effectif_salarie") or row.get("tranche_effectif_salarie")
        ),
        active=_open(row, office),
        checked=checked or updated,
        source=source,
        updated=updated,
        flags=flags,
        provenance={"turnover": f"{source}, {year}"} if year else {},
    )


def _shown(raw: Any) -> str:
    """A text, unless the register replaced it ("[NON-DIFFUSIBLE]", "[ND]")."""
    text = clean(raw, 300) if isinstance(raw, str) else ""
    return "" if re.search(r"\[ND\]|NON[- ]DIFFUSIBLE", text, re.I) else text


def _open(row: Row, office: Row) -> bool | None:
    """Open when both the legal unit and the establishment are; closed when one is; unknown else."""
    unit, site = yes_no(row.get("etat_administratif")), yes_no(office.get("etat_administratif"))
    if unit is False or site is False:
        return False
    return site if site is not None else unit


def _kind(complements: Row, legal: str) -> str:
    form = _FORMS.get(legal) or _FORMS.get(legal[:2], "")
    form = form or ("ESS" if yes_no(complements.get("est_ess")) else "")
    return next(filter(None, map(kind_of, listed(complements.get("type_siae")))), form)


def _turnover(finances: Any) -> tuple[float | None, str]:
    """The last yearly turnover published, and its year."""
    years = finances if isinstance(finances, Mapping) else {}
    known = {str(year): figures.get("ca") for year, figures in years.items() if isinstance(figures, Mapping)}
    amounts = ((clean_amount(known[year]), year) for year in sorted(known, reverse=True))
    return next((one for one in amounts if one[0]), (None, ""))
