"""The words of reservations and social clauses: whom a contract may be reserved to, the people of a clause, kinds of words.

Patterns are matched against folded text (lower case, no accents).  Each phrase stands alone in its list, so that one
is added or taken out without reading the others.
"""

from __future__ import annotations

import re

#: Whom a reserved contract is open to: the articles' publics, and the phrases that name each.
AUDIENCES: dict[str, tuple[str, ...]] = {
    "ESAT/EA": (
        r"entreprises? (?:\(ea\) )?adaptees?(?: de travail temporaire)?",
        r"(?:etablissements?|services?|centres?)(?: (?:et|ou))?(?: de| des)?(?: services?)? d'(?:aide|accompagnement) par le travail",
        r"esats?\b",
        r"eatt?\b",
        r"ea\b",
        r"cat\b",
        r"stpa\b",
        r"ateliers? proteges?",
        r"secteurs? (?:du travail )?(?:dit )?(?:protege|adapte)(?: et (?:du )?(?:travail )?(?:adapte|protege))?",
        r"(?:travail|milieu) (?:protege|adapte)(?: et (?:adapte|protege))?",
        r"(?:secteurs?|structures?|acteurs?|entreprises?) du handicap",
    ),
    "SIAE": (
        r"s?iaes?\b",
        r"(?:acis?|ettis?|eitis?|eis?|ai)\b",
        r"(?:structures?|entreprises?|associations?|operateurs?|acteurs?|organismes?) (?:de l'|d')(?:insertion|iae)\b",
        r"(?:structures?|acteurs?) (?:de l'|d')insertion par l'activite economique",
        r"insertion par l'activite economique",
        r"entreprises? (?:de travail temporaire )?d'insertion(?: par le travail independant)?",
        r"entreprises? (?:et|ou) (?:des )?associations? d'insertion",
        r"ateliers? (?:et |ou )?chantiers? d'insertion",
        r"(?:ateliers?|chantiers?) d'insertion",
        r"associations? intermediaires?",
        r"regies? de quartiers?",
        r"geiqs?\b",
    ),
    "ESS": (
        r"(?:entreprises?|structures?|acteurs?) (?:de l')?(?:economie sociale(?: et solidaire)?|ess)\b",
        r"economie sociale et solidaire",
        r"entreprises? solidaires?(?: d'utilite sociale)?",
        r"esus\b",
        r"ess\b",
        r"organisations? (?:participant|ayant)[^.;]{0,40}mission de service public",
    ),
    "prison": (
        r"(?:etablissements?|ateliers?|travail|administration|productions?) penitentiaires?",
        r"(?:personnes? )?detenue?s\b",
        r"personnes? sous main de justice",
        r"en detention\b",
    ),
}
#: Structures that no article names by a public of their own.
OTHER_STRUCTURES = (r"structures? equivalentes?", r"programmes? d'emplois? proteges?")

#: Of people: what says that they are those of a clause.
_FAR = (
    r"eloignee?s?(?: durablement)? (?:de l'emploi|du marche (?:du travail|de l'emploi))",
    r"(?:en )?(?:parcours |recherche |demarche )?d'insertion",
    r"en insertion",
    r"en (?:grande )?difficultes?",
    r"defavorisee?s?",
    r"d'emploi(?: de longue duree)?",
    r"du rsa",
    r"des minima(?: sociaux)?",
    r"prioritaires?",
    r"fragilisee?s?",
    r"handicapee?s?",
    r"en situation de handicap",
    r"sans (?:emploi|qualification)",
    r"privee?s? d'emploi",
    r"vulnerables?",
    r"precaires?",
    r"peu qualifiee?s?",
    r"rencontrant des difficultes",
)
_PEOPLE = (
    "personnes? publics? salaries? jeunes? demandeurs? travailleurs? habitants? chomeurs? candidats? agents? ouvriers? "
    "beneficiaires? allocataires? femmes adultes"
).split()
_BETWEEN = (
    r"(?: (?:et|ou|de|des|les|plus|tres|durablement|particulierement|en|situation|parcours|d'|l')){0,6}"
)

STRUCTURE = re.compile("|".join([*(p for phrases in AUDIENCES.values() for p in phrases), *OTHER_STRUCTURES]))
PUBLIC = re.compile(
    rf"(?:{'|'.join(_PEOPLE)}){_BETWEEN}? (?:{'|'.join(_FAR)})|detld?\b|chomeurs? de longue duree"
)
#: The words with which those phrases begin: only there are they looked for.
FIRST_OF_STRUCTURE = frozenset(
    "entreprise entreprises etablissement etablissements service services centre centres esat esats ea eatt eat cat siae siaes iae "
    "iaes aci acis etti ettis eiti eitis ei eis ai atelier ateliers chantier chantiers association associations regie regies "
    "structure structures insertion secteur secteurs acteur acteurs travail milieu stpa economie ess esus operateur operateurs "
    "geiq geiqs programme programmes organisme organismes".split()
)
FIRST_OF_PUBLIC = frozenset(
    "personne personnes public publics salarie salaries jeune jeunes demandeur demandeurs travailleur travailleurs habitant habitants "
    "chomeur chomeurs candidat candidats agent agents ouvrier ouvriers beneficiaire beneficiaires allocataire allocataires femmes "
    "adultes detl detld".split()
)

#: The kinds of words, by their beginnings; "=" before a whole word.
KINDS = {
    "reserve": "reserv",
    "only": "seul uniquement exclusi strictement seulement limit restrein circonscri canton unique",
    "shut": "exclu hormis sauf except ferm interdi clos abstenir",
    "meant": "dedi flech destin attribu revien echo",
    "open": "ouvert libre commun ordinaire classique tout tous toute toutes generaliste quelconque indistinctement",
    "not": "=ne =n =pas =aucun =aucune =ni =non neant =sans jamais =nul =nulle =rien =point =nullement =aucunement =objet",
    "none": "=no =none",
    "maybe": "peut peuven pourr possib facult eventuel envisag etudi susceptib =si =s optionn hypothese souhait reflexi =cas",
    "past": "preceden ancien etai avai sortant anterieur jusqu bilan historiqu jadis auparavant =eu expir echu initial",
    "other": "autre distinct voisin =tiers ulterieur",
    "law": "permet autoris prevo dispos articl =art =code rappel memoire alinea directive ordonnance decret =loi legislat",
    "deal": "march =lot =lots accord consultation procedure contrat concession =mapa",
    "holder": "titulaire attributaire entrepris entrepreneur prestatair candidat soumissionnair concessionnair operateur =societe =societes",
    "duty": "devr doit doiv engag =tenu =tenue =tenus oblig impos exig minim =moins astrein =du =dus =dues impera necessair",
    "hire": "embauch recrut employ emplo affect mobilis integr accueill travaill",
    "entrust": "soustrait traitance confi recour cotrait",
    "criterion": "criter =note =notes notat point ponder juge jugement appreci souscriter bareme notee =rc",
    "insertion": "insertion inclusi reinsertion",
    "social": "social sociau socio",
    "clause": "clause condition execution",
    "penalty": "penalit retenue manquement",
    "dropped": "abrog supprim retir renonc abandon annul rectif erreur lieu lire",
    "training": "formation tutor",
    "served": "accompagn hebergement usager",
    "apply": "admis admett candidat soumission concour repond particip depos postul present offre candidature recevab =pli =plis propos",
    "reject": "rejet irreceva ecart elimin",
    "yes": "=oui =yes =true =vrai",
    "share": "part quota taux pourcentage volume effort nombre",
    "hours": "heure =h =etp",
    "this": "present celui cette",
    "support": "support",
    "guide": "facilitat =plie =plies maison mission",
    "place": "place parking stationn salle emplacement local locaux reunion bureau acces terrain voie creneau",
    "structure": "=structx",
    "public": "=publicx",
    "article": "=artreserve",
    "older": "=artancien",
    "statute": "=artstruct",
    "social-article": "=artsocial",
    "ticked": "=coche",
    "empty": "=vide",
    "number-hours": "=numh",
    "number-share": "=nump",
    "handicap": "handicap",
    "far": "eloign chomeu chomage difficult defavoris prioritair qpv =rsa demandeur",
    "green": "environn paysag ecolog vert",
    "adapted": "adapt proteg",
    ".": "=.",
    ";": "=;",
    ":": "=:",
    "?": "=?",
    "0": "=0",
}
STOP = frozenset("le la les l de du des d un une au aux et a ce cet cette ces / ( ) | , %".split())
