"""The sheet that an administration publishes on the algorithm, in French, with figures measured where it runs.

Articles L311-3-1 and L312-1-3 of the CRPA: purpose, degree of contribution, data, treatment, parameters, how to
contest; and the line of the inventory of main algorithmic treatments.  What only the administration knows is in
square brackets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from matcher.outreach.exposure import Exposure


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured with one recipe."""

    versions: Mapping[str, str]
    exposure: Exposure
    ndcg: float | None = None  # nDCG@5 over judged needs, where there were some


def written(measured: Sequence[Measured]) -> str:
    """The whole sheet as Markdown."""
    return TEXT + "\n".join([*_figures(measured), ""])


def _figures(measured: Sequence[Measured]) -> list[str]:
    found, versions = measured[0].exposure, measured[0].versions
    named = ", ".join(f"{name} `{value}`" for name, value in versions.items())
    return [
        f"Mesuré le {date.today():%d/%m/%Y} par `matcher exposure` sur {_whole(found.lots)} interrogations (un lot, un jour) et"
        f" {_whole(found.structures)} structures"
        f" ({named}).\n",
        "| recette | jamais montrées | crédibles pour un lot au moins | dont jamais montrées | Gini | écart à la chance | nDCG@5 |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_row(one) for one in measured),
        "",
        "« Montrée » : parmi les dix premières d'un lot et au moins à vérifier. « Crédible » : au moins à vérifier pour un lot."
        " « Écart à la chance » : part de l'exposition qu'il faudrait déplacer pour qu'elle soit proportionnelle aux pistes attendues."
        " « nDCG@5 » : qualité de l'ordre sur des besoins jugés (1 : parfait). « Gini » : 0 si toutes sont montrées également, 1 si une seule l'est.\n",
        "Exposition : l'attention que reçoit une place de la liste, moindre à chaque rang. Pistes attendues : la somme des chances que le jugement"
        " donne, lot par lot, d'être une bonne piste. Leur rapport vaut 1 quand l'attention est en proportion des chances.\n",
        *_uneven(found.groups["kind"]),
        *_table("type", found.groups["kind"]),
        *_table("ce qu'elles disent d'elles", found.groups["evidence"]),
        *_table("effectif", found.groups["size"]),
    ]  # fmt: skip


FEW = 10  # structures of a kind, below which its ratio says little
LITTLE, MUCH = 0.5, 1.5  # of the attention that the chances call for


def _uneven(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Which kinds are shown much less, or much more, than their chances call for."""
    ratios = {
        str(row["groupe"]): float(str(row["exposition / chances"]))
        for row in rows
        if int(str(row["structures"])) >= FEW and row["exposition / chances"] is not None
    }
    less = [f"{kind} ({_decimal(ratio)})" for kind, ratio in ratios.items() if ratio < LITTLE]
    more = [f"{kind} ({_decimal(ratio)})" for kind, ratio in ratios.items() if ratio > MUCH]
    told = [
        f"{words} : {', '.join(kinds)}."
        for words, kinds in (
            ("Types montrés moitié moins que leurs chances, ou moins encore", less),
            ("Types montrés moitié plus que leurs chances, ou plus encore", more),
        )
        if kinds
    ]
    return [" ".join(told) + "\n"] if told else []


def _row(one: Measured) -> str:
    e = one.exposure
    shares = " | ".join(_percent(value) for value in (e.never_shown, e.credible, e.passed_over))
    quality = "non mesuré" if one.ndcg is None else f"{one.ndcg:.3f}".replace(".", ",")
    return (
        f"| {one.versions['recipe']} | {shares} | {_decimal(e.gini)} | {_decimal(e.distance)} | {quality} |"
    )


def _table(heading: str, rows: Sequence[Mapping[str, object]]) -> list[str]:
    kept = [row for row in rows if row["structures"]]
    return [
        f"| {heading} | structures | part des pistes attendues | part de l'exposition | exposition / chances | jamais montrées |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {row['groupe']} | {_whole(row['structures'])} | {_percent(row['part des chances'])} | {_percent(row[EXPOSED])} | "
            f"{_decimal(row['exposition / chances'])} | {_percent(row['jamais montrées'])} |"
            for row in kept
        ),
        "",
    ]  # fmt: skip


EXPOSED = "part de l'exposition"


def _whole(value: object) -> str:
    return f"{value:,}".replace(",", " ")


def _percent(value: object) -> str:
    return f"{100 * float(str(value)):.1f} %".replace(".", ",")


def _decimal(value: object) -> str:
    return "—" if value is None else f"{float(str(value)):.2f}".replace(".", ",")


TEXT = """# Fiche d'explication de l'algorithme (projet)

Produite par `matcher exposure --sheet` avec les chiffres mesurés là où le service tourne ; à relire, à compléter entre crochets et à
publier par l'administration qui l'exploite (articles L311-3-1 et L312-1-3 du code des relations entre le public et
l'administration, à vérifier par elle).

- **Finalité** : aider un acheteur public à repérer les structures de l'économie sociale et solidaire capables de répondre à un
  lot, et une structure à repérer les lots qui lui conviennent. Aucune décision n'est prise par l'outil.
- **Degré de contribution** : une liste ordonnée et ses raisons. Ordre de présentation, ne préjuge pas du choix : l'acheteur choisit
  qui consulter ; l'attribution obéit au code de la commande publique et n'utilise pas l'outil.
- **Données** : l'avis ou le besoin (textes, CPV, lieu, réservation, clauses) ; pour chaque structure, ses offres, son
  type, son activité au registre (NAF), sa commune, sa zone, ses marchés passés publiés, son chiffre d'affaires ou son effectif s'ils
  sont connus. Chaque information porte sa source et sa date.
- **Candidates** : toutes les structures d'un annuaire jusqu'à 5 000 ; au-delà, celles dont la zone déclarée comprend le lieu et, de
  celles qui n'en déclarent pas, les plus proches puis celles du métier. Une structure fermée, ou dont la zone exclut le lieu, n'est pas
  proposée.
- **Traitement** : plusieurs signaux (métier, lieu, statut, nature du besoin, réservation, capacité, délai) ajoutent ou retirent des
  points ; leur somme donne l'ordre. La page montre les points de chaque ligne par sujet (métier, lieu, statut, besoin) ; ils
  s'additionnent exactement.
- **Portée** : chaque structure est « à appeler », « à vérifier » ou peu probable, selon ce que son métier, sa place, son statut et la
  nature du besoin laissent attendre ensemble. Les deux premières sont montrées, les autres comptées (« 3 à appeler, 5 à vérifier, sur
  89 examinées »). Une liste gardée l'est telle qu'elle est montrée.
- **Apprentissage** : les points de ce jugement viennent de couples (lot, structure) relus et jugés par un modèle de langue avec un
  guide, non par des gens du métier ; ceux des marchés passés, utilisés pour les fournisseurs et les partenaires, des marchés
  attribués et publiés. Ce qui est mieux représenté dans le passé (bâtiment, propreté) est mieux appris.
- **Tours de passage** : avec la recette `rotating`, des structures presque à égalité passent devant à leur tour, par un tirage propre
  au lot et au jour, le même toute la journée, sans jamais quitter leur niveau (à appeler, à vérifier).
- **Ce qui n'entre pas** : l'identité de la personne qui cherche, les clics, un paiement, les besoins non publiés des autres.
- **Honnêteté** : quand aucune structure n'est au moins à vérifier, le service dit « aucune structure adaptée » et propose ce qui
  élargirait la recherche, avec le nombre de structures que cela apporterait.
- **Recours** : toute structure peut voir sa fiche, ce qui y est déduit et de quoi, demander pourquoi elle est, ou n'est pas, dans une
  liste, corriger sa fiche, dire « ce n'est pas notre métier » (pour toujours, sauf si elle revient dessus), demander un effacement.
  Réclamation : [service, adresse] ; en dernier recours, la CADA et le tribunal administratif [à vérifier].
- **Versions** : chaque réponse porte les versions du code, des données, de la recette, de l'encodeur et du classeur ; une fiche de
  sourcing se rejoue et dit ce qui a changé.

## Ligne de l'inventaire

| rubrique | contenu |
|---|---|
| Nom du traitement | Maillage : rapprochement de marchés publics et de structures de l'économie sociale et solidaire |
| Administration responsable | [nom, service, contact] |
| Fondement | [mission, texte] |
| Personnes concernées | structures de l'annuaire (personnes morales, entrepreneurs individuels) ; acheteurs |
| Décisions | aucune décision individuelle ; aide au repérage avant consultation |
| Automatisation | partielle : une personne lit la liste et choisit |
| Code source | [adresse du dépôt], licence Apache-2.0 |
| Données personnelles | [fiche du registre](registre.md), [analyse d'impact](aipd.md) |

## Qui est montré, qui ne l'est pas

"""
