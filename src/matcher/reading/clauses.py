"""What a French notice says of its own conditions: reservations, social clauses, visits, qualifications, groups.

Reservations and social clauses are judged in windows of sentences that may speak of them: a learnt model
(`matcher.learned.clauses`) and a grammar are weighed together, the grammar asked only where it can change the answer.
What counts is what is stated: negations ("n'est pas réservé"), boxes left unticked, possibilities ("pourra être
réservé"), memories ("le précédent marché était réservé") and mere citations of the law do not.  An article is told
only when it stands in the text.

Patterns are written in proper French and made, by `french`, to match capitals without accents and accents
destroyed on the way (U+FFFD); the text is folded letter by letter, so a passage is quoted as published.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from matcher.domain import Clause, Condition, Lot, Reservation, Tender
from matcher.learned.clauses import LABELS, Verdict, shipped
from matcher.reading.insertion_hours import told, told_around
from matcher.reference.prose import LOST, folded, french, lots_named, sentences

# ---------------------------------------------------------------------------------------- reservations

#: The structures for which the law lets a contract be reserved (and only structures: not people).
_TARGET = (
    r"(?:entreprises? (?:\(ea\) )?adaptées?|entreprises? (?:ou|et|,)? ?(?:des |aux )?associations? d'insertion"
    r"|établissements? (?:(?:et|ou) (?:de )?services? )?d'(?:aide|accompagnement) par le travail|\besats?\b|\bea\b(?!u)|\beatt\b|\baci\b|\betti\b|\beiti\b|\b(?:aux|des|une?|,) (?:ei|ai)\b"
    r"|(?:structures?|associations?|entreprises?|organismes?|opérateurs?|acteurs?|sociétés?|coopératives?|employeurs?)(?: sociales?)? (?:d'insertion|de l'insertion|de l'iae|du handicap|inclusi(?:ve|f)s?|adaptées?)|structures? équivalentes"
    r"|insertion par l'activité économique|\bs?iae\b|\bsiaes\b|entreprises? (?:de travail temporaire )?d'insertion"
    r"|ateliers? (?:et chantiers? )?d'insertion|chantiers? d'insertion|associations? intermédiaires?|régies? de quartier"
    r"|ateliers? protégés?|(?:secteurs?|monde|champ|domaine) (?:du handicap|du (?:travail )?(?:adapté|protégé))|secteurs? (?:du travail )?(?:adapté|protégé|dit protégé)|travail (?:protégé|adapté)\b|\bstpa\b"
    r"|opérateurs? (?:économiques? )?(?:d'insertion|(?:qui emploient|employant|dont)[^.]{0,160}(?:handicap|défavoris|éloign|en difficulté|insertion|intégration sociale))"
    r"|(?:structures?|organismes?|entreprises?|opérateurs?|établissements?|acteurs?|sociétés?|associations?)[^.,]{0,60}(?:employant|qui emploient|emploient|occupant|dont|comptant)[^.]{0,120}(?:handicap|défavoris|éloign|en difficulté|insertion)"
    r"|(?:entreprises?|structures?|acteurs?|organisations?|associations?|opérateurs?)[^.,]{0,40}(?:de l'économie sociale et solidaire|de l'ess\b|solidaires? d'utilité sociale)"
    r"|entreprises? sociales?|\bess\b|économie sociale et solidaire"
    r"|programmes? d'emplois? protégés?|emplois? protégés?|travailleurs? (?:handicapés?|défavorisés?)"
    r"|(?:organisations?|organismes?) (?:ayant|dont|investies?|participant|assurant|remplissant)[^.]{0,60}mission de service public|\bres-(?:ws|pub-ser)\b|sheltered workshops?"
    r"|(?:établissements?|administration|activités?|structures?|entreprises?|ateliers?) (?:produisant )?(?:en )?(?:établissements? )?pénitentiaires?|personnes (?:détenues|sous main de justice)|détenus|milieu carcéral|travail pénitentiaire|(?:ateliers?|structures?|productions?) (?:situés? )?en détention"
    r"|l\.? ?2113 ?-? ?1[2-6]|l\.? ?(?:5132-4|5213-13|344-2)\b|articles? (?:36|37)\b[^.]{0,40}(?:ordonnance|2015-899)|article 77|article 20 de la directive|\binsertion\b(?! (?:dans|pays|arch|urb|du|de la|des)))"
)
#: The same without the words that also tell of people or of a purpose.
_STRUCTURE = _TARGET.replace(r"|travailleurs? (?:handicapés?|défavorisés?)", "")
_STRUCTURE = _STRUCTURE[: _STRUCTURE.rindex(r"|\binsertion\b(?!")] + ")"
_DEAL = r"(?:marchés?|lots?|accords?-cadres?|consultations?|procédures?|concessions?|appels? d'offres|contrats?|achats?)"
_ADVERBS = r"(?:\s*,?\s*(?:\([^()]{0,90}\)|(?:par (?:l'acheteur|le pouvoir adjudicateur|la collectivité|la ville|la commune|délibération)|conjointement|simultanément|désormais|donc|ainsi|à la fois|également|en vertu [^.,]{3,90},|sur le fondement [^.,]{3,90},|en application [^.,]{3,90}(?= (?:aux|à des|à une?|à l') ?)|au titre [^.,]{3,80}(?= (?:aux|à des|à une?|à l') ?)|en vertu [^.,]{3,90}(?= (?:aux|à des|à une?|à l') ?))|exclusivement|uniquement|strictement|spécifiquement|expressément|entièrement|intégralement|en totalité|par principe|de droit|prioritairement et exclusivement|conformément [^.,]{3,80},|en application [^.,]{3,90},|au titre [^.,]{3,80},|au sens [^.,]{3,80},)\s*)*"

#: A box or an answer that stands beside a label.
_TICKED, _EMPTY = r"[☒☑✓✔✗✘■⊠]|\[ ?x ?\]|\( ?x ?\)", r"[☐□⃞▢]|\[ ?\]|\( ?\)|_{2,}"
_ANSWER = re.compile(
    rf"^(?:\s*\([^()☐☑☒]{{4,80}}\))?[\s:?=.\-–—>)]*(?:(?P<yes>{_TICKED})|(?P<no>{_EMPTY})|(?P<word>(?:oui|non|yes|no|true|false|vrai|faux|sans objet|neant|n/?a|aucune?(?=\s*(?:$|[.;,(])))\b|[/-](?=\s*(?:$|[.;]))))"
)

_NOT = french(
    r"\b(?:n'?(?:étant|ayant|est|sont|a|ont|était|étaient|sera|seront|y a)|ne (?:sera|seront|sont|fait|font|comporte|comportent|comprend|prévoit|relève|relèvent|constitue|donne|contient))\b[^.;]{0,40}?\b(?:pas|aucune?s?|ni|nullement|point|plus)\b"
    r"|\b(?:rien|nul(?:le)?|personne) ne\b|\bne réserv\w+ (?:pas|aucun|ni)|\bnon[ -]réserv|\bpas (?:un |de |des )?(?:marché |lot )?réserv|\b(?:aucun|aucune|ni) (?:des? )?(?:lots?|marchés?|réservation|accord|clause|condition|action|heure|objectif)"
    r"|\bsans (?:réservation|clause|condition|obligation|action|objectif)|\b(?:absence|pas) (?:de|d') ?(?:réservation|clause|condition|action|heure|obligation)"
    r"|\bni réserv|\bil n'est pas prévu|\bne pas réserver|\bhors marchés? réservés?|\bhors clause|\bdispensée? de|\bexempt|\bsupprim|\bretir(?:é|er)|\brenonc"
)
_MAYBE = french(
    r"\b(?:peut|peuvent|pourra|pourront|pourrait|pourraient|pouvant|puisse|puissent|serait|seraient) (?:également |aussi |être |le cas échéant |ainsi |notamment |décider |choisir |,)*(?:de |d')?(?:être )?(?:réserv|comporter|prévoir|contenir|imposer|inclure|intégrer|faire|demander|fixer|insérer|introdui|être|recourir|exiger)"
    r"|\b(?:possibilité|faculté|droit|opportunité) (?:de|d') ?(?:\w+ ){0,2}(?:réserver|prévoir|insérer|inclure|imposer|introduire|intégrer)"
    r"|\bréservée?s? (?:que|uniquement|seulement) (?:si|s'il|lorsque|lorsqu|quand|dans le cas)\b|\bsusceptibles? (?:d'être|de|d')|\benvisage(?:nt)? (?:de|d')|\b(?:étudie|examine|réfléchit|réflexion|à l'étude|sera étudiée?)\b"
    r"|\b(?:si|s'il|lorsqu'?e?|quand|dès lors qu'?e?|en cas de|en cas d'|dans le cas (?:où|de|d'un)|dans l'hypothèse|au cas où|selon que|sous réserve qu'?e?|à condition qu'?e?)\b[^.]{0,70}(?:réserv|clause)"
    r"|\bsont des (?:marchés|contrats) (?:que|dont|qui|pour)"
    r"|\b(?:peut|peuvent|pourra|pourront|pourrait|pourraient|permet|permettent|permettant|permettra)\b[^.;]{0,60}\b(?:réserver|être réservée?s?)"
    r"|\bsans qu[^.;]{0,60}réserv|\b(?:souhait\w* savoir|s'interroge)\b|\bdroit de préférence\b|\bà égalité\b"
)
#: The law told as law, and the words of whoever teaches it.
_LAW = french(
    r"\b(?:article|articles|code|directive|ordonnance|décret|loi|législateur|réglementation|textes?|dispositif)\b[^.]{0,110}\b(?:permet(?:tent)?|prévoi(?:t|ent)|dispos(?:e|ent)|autoris(?:e|ent)|encadr(?:e|ent)|ouvre(?:nt)?|énonce(?:nt)?|défini(?:t|ssent)|impose(?:nt)?(?:,? depuis| que| aux acheteurs| désormais)|rend(?:ra|ent|ront)? obligatoires?|généralis\w+|oblige(?:nt)? les)\b"
    r"|\b(?:les|des) (?:acheteurs|pouvoirs adjudicateurs|collectivités)\b[^.]{0,30}\b(?:peuvent|pourront|doivent|ont)\b"
    r"|\b(?:pour (?:mémoire|rappel)|à titre d'information|rappelle qu?|rappelons)\b[^.]{0,40}\b(?:article|l\.? ?21)"
    r"|\b(?:formation|guide|module|atelier|session|sensibilisation|conseil|assistance|étude|sourcing|cartographie|accompagnement)s?\b(?! (?:municipal|communautaire|départemental|régional|d'administration|métropolitain|syndical))[^.]{0,50}\b(?:aux|sur les|relatifs? aux|des|d'un|dédiée? aux|en matière de) (?:marchés? réservés?|clauses? (?:sociales?|d'insertion)|achats? (?:responsables?|socialement))"
    r"|\b(?:réunion|webinaire|colloque|journée|matinée|rencontre)s?\b[^.;]{0,40}\b(?:clauses?|réserv)|\bla notion de\b|\bles marchés réservés (?:sont|permettent|constituent|désignent|visent|répondent)"
)
_UNDONE = french(
    r"\b(?:non (?:retenue?|cochée?|applicable|concernée?)s?|ne s'applique(?:nt)? pas|à rayer|avai(?:t|ent) été|envisagée?s?|supprimée?s?|annulée?s?|sans suite|infructueu\w+|abandonnée?s?|retirée?s?|levée?s?|rectifiée?s?)\b"
)
_PAST = french(
    r"\b(?:devait|devaient|réalisait|réalisaient|a réalisé|ont réalisé|comportait|comportaient|prévoyait|prévoyaient|imposait|imposaient|contrat en cours|marché en cours|était|étaient|avait|avaient|avait été|précédente?s?|précédemment|ancien(?:ne)?s?|anciennement|antérieure?s?|sortante?s?|par le passé|l'an dernier|en 20[01]\d|les années précédentes)\b"
)
#: Another contract, that this one follows or replaces.
_REPLACES = french(r"\b(?:remplace|succède|fait suite|à la suite|suite à|celle|celui|précédente?)\b")
#: A share of the contract, or of its hours: reserved within it, it does not reserve the contract.
_PART = french(
    r"\b(?:\d+ ?%|pour ?cent|une? (?:part|partie|fraction|quota|pourcentage)|part minimale|quota|volume|heures?|postes?|emplois?|tâches?|sous-traitance|embauches?|recrutements?)\b[^.,;]{0,60}$"
)
#: What may be reserved for someone, and is no contract.
_THING = french(
    r"\b(?:avances?|prix|réductions?|gratuité|priorité|bureaux?|pièces?|étages?|garages?|quais?|rez-de-chaussée|jardins?|terrains?|parcelles?|caves?|places?|emplacements?|stationnements?|parkings?|dates?|créneaux|salles?|locaux|sanitaires|toilettes|accès|espaces?|entrées?|voies?|crédits?|budget|enveloppe|points?|bonus|tarifs?|logements?|hébergements?|ascenseurs?|sièges?|vestiaires?|cheminements?|équipements?|matériels?|véhicules?|usage|bâtiments?|zones?|lits?|chambres?|formations?|ateliers?|plateformes?|rubriques?|formulaires?|(?<!-)cadres?|sections?|cases?|mentions?|colonnes?|encadrés?|annexes?|documents?|remises?|aides?|subventions?)\b[^.,;:«»()]{0,45}$"
)
#: Another contract than this one.
_ELSEWHERE = french(
    r"\b(?:autres? (?:marchés?|consultations?|procédures?|contrats?|accords?-cadres?)|(?:marchés?|consultations?|procédures?|contrats?|lots?) (?:distincte?s?|séparée?s?|ultérieure?s?|à venir|futur|complémentaire|voisin|parallèle)|prochaine? (?:marché|consultation|contrat)|futur (?:marché|contrat)|lors du renouvellement|\bà paraître\b|\bsous une (?:autre )?référence (?:différente|distincte)?|par ailleurs d'un marché|(?:marchés?|opérations?|chantiers?|lots?|contrats?|projets?|consultations?)\b[^.;,]{0,30} (?:voisine?s?|limitrophes?|adjacente?s?|connexes?|sortante?s?|actuel(?:le)?s?|échue?s?|expirée?s?)\b|fera l'objet d'une? (?:autre|consultation|marché|procédure)|seront? (?:lancée?|passée?|publiée?)s? (?:ultérieurement|séparément|prochainement))"
)
_NO_PEOPLE = french(
    r"^\s*(?:à|aux?|pour) (?:des |les |l')?(?:personnes|publics?|demandeurs|bénéficiaires|usagers|élèves|candidats en|salariés en|jeunes)\b"
)

_RESERVED = french(r"\b(?:réservée?s?|reserved (?:participation|procurement)|reserved)\b")
_OBJECT_OF = r"(?:commande|achat|entretien|nettoyage|fourniture|gestion|mission|\w{3,}(?:ssion|ation|sage|yage|tage|rture|ssement|iture))s?\b"
_RESERVE_VERB = french(
    rf"(?:(?<!se\s)(?<!me\s)(?<!la\s)(?<!en\s)(?<!de\s)\b(?:réserve|réservent|réservons)|\b(?:décid|choisi|choix|résolu|entend|souhait|veut|voul|opté)\w*\b[^.;]{{0,40}}\bréserver)\b (?:ainsi |donc )?(?:ce|cet|cette|ces|le|la|les|l'|tout|un|une|deux|trois|son|sa)[^.;]{{0,60}}?(?:{_DEAL}|candidature|participation|exécution|attribution|prestation|{_OBJECT_OF})[^.;]{{0,60}}?\b(?:à|aux?|pour|au profit)\b[^.;]{{0,50}}?{_STRUCTURE}"
)
#: "réserve" where accents are written is the verb, or the noun: the adjective ends with one.
#: "La ville réserve à un chantier d'insertion la remise en état des jardins."
_RESERVE_TO = french(
    rf"\b(?:ville|commune|acheteur|acheteuse|adjudicateur|collectivité|département|région|métropole|syndicat|communauté|hôpital|nous)\b[^.;,]{{0,40}}\b(?:réserve|réservons) (?:\w+ment )?(?:à|aux?) [^.;,]{{0,30}}?{_STRUCTURE} (?:le |la |les |l'|un |une |son |sa |ses )(?!droit|faculté|possibilité)"
    rf"|\b(?:use|usant|usage|exerce|exerçant) (?:de son |du |de la |de sa )(?:droit|faculté|possibilité) (?:de |d')?réserver [^.;]{{0,60}}(?:à|aux?) [^.;]{{0,40}}?{_STRUCTURE}"
)
_VERB_OR_NOUN = re.compile(rf"[rR][éÉ{LOST}]{{1,2}}serves?")
_SHARED = french(r"\b(?:parts?|heures?|quota|volume|postes?|emplois? à|pourcentage)\b|%")
#: Rooms and cars are booked too.
_ROOMS = french(
    r"\b(?:droit|droits|frais|système|module|planning|outil|agenda|demandes?|service|bon|portail) de $"
)
_PROGRAM = french(
    r"\b(?:exécut|réserv|réalis)[^.;]{0,80}\bprogrammes? d'emplois? protégés?|\bprogrammes? d'emplois? protégés?[^.;]{0,40}\b(?:réserv|exécut)"
)
_THEIRS = french(
    rf"{_TARGET}[^.;]{{0,160}}\bleur (?:est|sont|étant|sera|seront|reste|demeure)?\s*(?:\w+ment )?$"
)
_RESERVATION_NOUN = french(
    rf"\b(?:catégorie de|nature de|motif de|visée?s? par|bénéficiaires? de|objet de|fondement de) (?:la )?réserv(?:e|ation)\s*:\s*[^.;]{{0,40}}?(?:{_TARGET})|\bcaractère réservé (?:de|du) (?:la |cette |ce |l'|présente? )*{_DEAL}|\bréservation\b(?! (?:de |des |du |d')(?!(?:ce|cette|la|l'|le|les|ces|cet|tous|tout|deux|trois|ensemble|totalité|des|de| )*(?:{_DEAL}|prestation|article|participation)))[^.;]{{0,40}}?(?:\b(?:à|aux?|pour|au profit|en faveur|au bénéfice)\b[^.;]{{0,60}}?{_TARGET}|l\.? ?2113-? ?1[2-6])"
)
_ONLY = french(
    rf"\b(?:seule?s?|uniquement|exclusivement|que|qu'|limitée?s?|restreinte?s?|ouverte?s?|adressée?|destinée?s?|dédiée?s?|fléchée?s?|conditionnée?s?|subordonnée?s?)\b[^.;]{{0,90}}?{_STRUCTURE}"
    rf"|{_STRUCTURE}[^.;]{{0,60}}?\b(?:seule?s?|uniquement|exclusivement|seulement|exclusif|exclusive|à l'exclusion)\b"
)
_ONLY_STATES = french(
    r"\bseule?s?\b[^.;]{0,140}\b(?:peuvent|pourront|peut|pourra|sont|seront|est|sera)\b[^.;]{0,30}\b(?:candidater|soumissionner|répondre|participer|concourir|présenter|déposer|remettre|admise?s?|autorisée?s?|recevables?|acceptée?s?|éligibles?|prises? en compte|retenue?s?|examinée?s?|habilitée?s?)"
    r"|\b(?:peuvent|pourront|peut|pourra) seule?s?\b[^.;]{0,30}\b(?:candidater|soumissionner|répondre|participer|concourir|présenter|déposer|remettre)"
    rf"|\b{_DEAL}\b[^.;]{{0,40}}\b(?:dédiée?s?|fléchée?s?)\b (?:\w+ment )?(?:à|aux?|vers|pour) (?:les |des |l'|la |le )?{_STRUCTURE}"
    rf"|\b(?:conditionnée?s?|subordonnée?s?) (?:à|au) (?:la qualité|la détention|l'agrément|l'appartenance|au statut|statut|l'obtention|la possession|la justification)[^.;]{{0,40}}{_STRUCTURE}"
    r"|\bseule?s? (?:autorisée?s?|admise?s?|habilitée?s?|éligibles?|recevables?|invitée?s?|examinée?s?|retenue?s?|acceptée?s?|concernée?s?|étudiée?s?|analysée?s?|compétente?s? pour répondre)\b"
    r"|\b(?:admise?s?|autorisée?s?|habilitée?s?|éligibles?|recevables?|invitée?s?|appelée?s?|conviée?s?)\b[^.;]{0,40}\bles seule?s\b"
    r"|\bseule?s?\b[^.;]{0,140}\b(?:verront leur|seront consultée?s?|seront invitée?s?|seront sollicitée?s?|ont accès|auront accès)"
    r"|\b(?:ouverte?s?|s'adresse(?:nt)?|adressée?s?|destinée?s?|accessibles?|limitée?s?|restreinte?s?|attribuée?s?|confiée?s?)\b[^.;]{0,25}\b(?:uniquement|exclusivement|seule?s?|seulement|strictement|limitée?s?|restreinte?s?|qu')"
    r"|\b(?:uniquement|exclusivement|seulement)\b[^.;]{0,12}\b(?:ouverte?s?|destinée?s?|accessibles?|attribuée?s?|dédiée?s?|fléchée?s?|adressée?s?)"
    r"|\b(?:participation|candidature|candidatures|accès|concurrence|consultation|procédure|attribution|marché|lot|accord-cadre)\b[^.;]{0,40}\b(?:limitée?s?|restreinte?s?|circonscrite?s?|cantonnée?s?)\b (?:\w+ment )?(?:à|aux?)"
    r"|\bne (?:peuvent|pourront|peut|pourra|seront|sont)\b[^.;]{0,60}\bqu(?:e|')"
    r"|\bn'(?:est|sont) (?:ouverte?s?|accessibles?|destinée?s?)\b[^.;]{0,20}\bqu"
    r"|\b(?:peuvent|pourront|peut|pourra) (?:candidater|soumissionner|répondre|participer|concourir) (?:exclusivement|uniquement|seulement|seuls?)\b(?! ou)"
    r"|\b(?:peuvent|pourront|peut|pourra)\b[^.;]{0,20}\b(?:exclusivement|uniquement) (?:être |les |des )"
    r"|\b(?:ouverte?s?|candidatures?|candidats?|accès|réponses?|offres?|plis|devis|propositions?|marché|lot|consultation|procédure|soumissionnaires?|opérateurs (?:admis|autorisés))\b[^.;]{0,90}\b(?:uniquement|exclusivement|seulement)\s*(?:[).]?\s*$|\(|,)|\bà l'exclusion de tou"
)
_ONLY_WORDS = re.compile(
    rf"\bseul|uniquement|exclusi|strictement|\bd[e{LOST}]{{1,2}}di[e{LOST}]|\bfl[e{LOST}]{{1,2}}ch|limit|restrei|circonscri|cantonn|conditionn|subordonn|\bn(?:e\b|')[^.;]{{0,80}}\bqu"
)
#: Offers of others are thrown out, or the holder must be one of these structures.
_OTHERS_OUT = french(
    rf"\b(?:irrecevables?|rejetée?s?|éliminée?s?|écartée?s?|exclue?s?|recevables?)\b[^.;]{{0,80}}\b(?:n'émanant pas|n'émanent pas|ne relevant pas|ne relèvent pas|autres? que|qui ne sont pas|n'ayant pas la qualité|non issues?|que celles)\b[^.;]{{0,40}}{_STRUCTURE}"
    rf"|\b(?:n'émanant pas|n'émanent pas|ne relevant pas|ne relèvent pas|autres? que|(?:qui|n')\s?(?:ne sont|n'est|est|sont|ne seraient|n'ont)?\s?(?:pas|ni)|n'ayant pas la qualité|non issues?|dépourvue?s? de|hors)\b[^.;]{{0,60}}{_STRUCTURE}[^.;]{{0,60}}\b(?:irrecevables?|rejetée?s?|éliminée?s?|écartée?s?|exclue?s?|(?:pas|ni) (?:admise?s?|recevables?|examinée?s?|retenue?s?|acceptée?s?|analysée?s?|ouverte?s?))"
    rf"|\b(?:candidats?|titulaires?|soumissionnaires?|attributaires?|opérateurs?(?: économiques?)?|entreprises? candidates?|prestataires?)\b[^.;]{{0,20}}\b(?:doit|doivent|devra|devront)\b (?:\w+ment )?(?:être (?:\w+ment )?(?:une?|des?|agréée?s?)|avoir (?:la qualité|le statut)|justifier de (?:la|sa|leur) qualité|justifier d'un agrément|relever|appartenir|posséder la qualité|disposer (?:de la qualité|du statut|d'un agrément))[^.;]{{0,40}}{_STRUCTURE}"
)
_UNDER_ARTICLE = french(
    rf"(?<!les\s)(?<!des\s)\b(?:{_DEAL}|prestations?)\b[^.;]{{0,80}}\b(?:passée?s?|conclue?s?|lancée?s?|soumise?s?|relèvent?|relevant|attribuée?s?|régie?s?)\b[^.;]{{0,60}}\bl\.? ?2113-? ?1[2-6]"
    r"|\b(?:fait usage|use|recourt|met en œuvre|fait application)\b[^.;]{0,20}\bcette (?:faculté|possibilité|disposition|réserve)\b"
    rf"|\b{_DEAL}\b[^.;]{{0,60}}\bà titre réservé\b"
    r"|\b(?:fait|faisant|fera|faite) (?:application|usage|recours)\b[^.;]{0,70}\bl\.? ?2113-? ?1[2-6]"
    rf"|\b(?:{_DEAL}|acheteur|pouvoir adjudicateur|collectivité|ville|commune|département|région|métropole)\b[^.;]{{0,40}}\b(?:recourt|a recours|met en œuvre|mobilise|active|applique|relève|relèvent|use|bénéficie|bénéficient)\b[^.;]{{0,60}}\bl\.? ?2113-? ?1[2-6]"
    rf"|\brelève(?:nt)? (?:\w+ )?(?:du|de la|de l'|des) (?:régime|catégorie|champ|dispositif)[^.;]{{0,20}}\bmarchés? réservée?s?"
)
#: "Le lot 1 n'est pas réservé, le lot 2 l'est au profit des structures d'insertion."
#: The law's own words for whom a lot is reserved to, after its number: "lot 1 : structures ... mentionnées à l'article".
_FORMULA = french(
    rf"\blots?\s*(?:n°)?\s*\d+\s*[:-]\s*(?:aux |des |à des )?{_STRUCTURE}[^.;]{{0,40}}\bmentionnée?s? (?:à|aux) (?:l'|)articles?"
)
_ELLIPSIS = french(
    rf"\b(?:{_DEAL}|second|premier|dernier|autre)\b[^.;,]{{0,40}}\bl'est (?:à|au|aux|pour|en)\b[^.;]{{0,80}}{_TARGET}"
)
#: A form that says how to fill it in, and is not filled in.
_TO_FILL = french(
    r"^\s*[»\"]?\s*:?\s*\(?(?:à (?:remplir|compléter|renseigner|cocher|préciser|définir|déterminer|indiquer)|rubrique|cocher|non renseigné|voir\b|le cas échéant)"
)
#: A model that leaves the choice to whoever fills it in.
_CHOICE = french(r"\brayer\b[^.;]{0,20}\bmention|\[[^\]]*/[^\]]*\]|\bau choix\b")
_OPENS = french(
    r"^\s*(?:\(|,|:|-)?\s*(?:au (?:titre|sens|regard)|en (?:vertu|application)|conformément|sur le fondement|par application|art)\b"
)
_ON_THIS = french(r"^\s*(?:sur ce fondement|à ce titre|dans ce cadre|à ces conditions|en conséquence)\b")
_UNDER = french(r"^\s*(?:\(|,)?\s*(?:de l'art|des art|selon|suivant|par l'art|l\.? ?2113)")
_FORMERLY = french(
    r"\b(?:fait suite|faisant suite|succède|succédant|remplace) [^.;,]{0,24}$|\b(?:initialement|auparavant|précédemment|anciennement|jadis|naguère|primitivement) $"
)
#: A row of a table of lots: "Lot 2 - Espaces verts : réservé".
_ROW = french(r"\blots?\s*(?:n°)?\s*\d+[^.;:]{0,60}[:(-]\s*$")
_HEADING = french(
    r"(?:informations? (?:sur les|concernant les|relatives aux?)|conditions? (?:d'accès )?aux|rubrique|mention|section|cadre|case|question|type de|article \d+ ?[:.-]?) (?:marchés? )?$"
)
_OFFER = french(r"\boffres? (?:anormalement|réserv)|\bsous réserv|\bsans réserv|\blevée|\bprojet de réserv")

_ARTICLE = re.compile(
    r"\bl\s*\.?\s*2113\s*-\s*(1[2-6](?:\s*-\s*1(?!\d))?)((?:\s*(?:,|et|ou|a|&|/|-)\s*(?:suivants?|(?:l\s*\.?\s*)?(?:2113)?\s*-?\s*1[2-6](?:-1(?!\d))?))*)"
)


def articles(text: str) -> tuple[str, ...]:
    """The articles on reserved contracts that stand in a text, sorted; none is ever guessed.

    The numbers of older laws (article 36 of ordinance 2015-899...) are quoted in the passage, not translated.
    """
    plain = re.sub(r"\bet non (?:pas |plus )?[^,;)]*", " ", folded(text))
    found: set[str] = set()
    for match in _ARTICLE.finditer(plain):
        numbers = re.findall(
            r"1[2-6](?:\s*-\s*1(?!\d))?", match.group(1) + re.sub(r"2113", "", match.group(2))
        )
        found.update(re.sub(r"\s", "", number) for number in numbers)
        if re.search(r"\s(?:a)\s", match.group(2)) and {"12", "14"} <= found:
            found.add("13")
    return tuple(f"L2113-{number}" for number in sorted(found))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something stated in a text: what it is, and the lots it names (none: all of them)."""

    what: Reservation | Clause | Condition
    lots: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()  # the lots that "à l'exception du lot 3" leaves out

    def with_confidence(self, chance: float) -> Finding:
        """The same finding, as sure as this chance."""
        what = self.what
        return self if isinstance(what, Condition) else replace(self, what=replace(what, confidence=chance))

    def holds_for(self, number: str) -> bool:
        """Whether it holds for the lot of this number."""
        return number not in self.but and (number in self.lots or not self.lots)


#: Points that end no sentence, and the spaces put in their place: positions hold, and patterns may say "[^.]".
_POINTS = (
    ("l. 2", "l  2"),
    ("l.2", "l 2"),
    ("r. 2", "r  2"),
    ("r.2", "r 2"),
    ("art. ", "art  "),
    ("n. ", "n  "),
    ("(s)", "s  "),
)


#: What a correction takes back: "au lieu de « réservé aux SIAE », lire « ouvert à tous »".
_TAKEN_BACK = re.compile(
    r"au lieu (?:de|du|d')\s*:?\s*[^«»;.,]{3,120}(?=,\s*(?:il faut )?lire\b)|au lieu (?:de|du)\s*:?\s*[«\"“]([^»\"”]{1,200})[»\"”]|\bmentions?\s*:?\s*[«\"“]([^»\"”]{1,200})[»\"”](?=[^.;]{0,80}\b(?:erreur|erron|retir|supprim|annul))"
)

_POINTED = re.compile(
    r"\b(?:s\.i\.a\.e|e\.s\.a\.t|i\.a\.e|e\.a)\b\.?(?!\s*$)|\b(?:s\.i\.a\.e|e\.s\.a\.t|i\.a\.e|e\.a)\b"
)
#: What a contrast leaves out: "noté sur l'égalité, non sur l'emploi de publics éloignés".
_AND_NOT = re.compile(
    r"(?:, |\(|\bet )non (?:pas |plus )?(?:sur|pas|aux?|de la|du|des|d'|pour|l\W|la |le |les )[^.;:)]{3,120}"
)

_SAYS_NO = re.compile(
    rf"sans objet|n[e{LOST}]{{1,2}}ant|non (?:applicable|pr[e{LOST}]|requis|concern|retenu|demand|impos)|(?:non|aucune?)\s*(?:[.;,]|$)|ne s'applique pas"
)


class Text:
    """A text, folded once, whose sentences are cut once and looked up by what they hold."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.raw = folded(text)
        plain = self.raw
        for point, space in _POINTS:
            plain = plain.replace(point, space)
        if ".i.a.e" in plain or "e.s.a.t" in plain or "i.a.e" in plain or "e.a." in plain:
            plain = _POINTED.sub(
                lambda found: found.group().replace(".", "").ljust(len(found.group())), plain
            )
        if ", non " in plain or "(non " in plain or "et non " in plain:
            plain = _AND_NOT.sub(lambda found: re.sub(r"\w", " ", found.group()), plain)
        if ("au lieu d" in plain and "lire" in plain) or ("mention" in plain and re.search('[«"“]', plain)):
            plain = _TAKEN_BACK.sub(lambda found: re.sub(r"\w", " ", found.group()), plain)
        self.plain = plain
        self._heard = 0  # up to where hours were told
        self._spans: list[tuple[int, int]] | None = None

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The (start, end) of every sentence, cut when first asked."""
        if self._spans is None:
            self._spans = list(sentences(self.text, self.raw))
        return self._spans

    def index(self, start: int) -> int:
        """The number of the sentence in which a position stands."""
        return bisect_right(self.spans, (start, len(self.plain) + 1)) - 1

    def holding(
        self, stems: tuple[str, ...], unless: Mapping[str, re.Pattern[str]] = MappingProxyType({})
    ) -> Iterator[tuple[int, int]]:
        """The (start, end) of the sentences in which one of the stems stands, in order; not in the turns of `unless`."""
        places = []
        lost = LOST in self.plain
        for stem in stems:  # a search for a plain word costs a hundredth of one for a pattern
            if not lost and LOST in stem:
                continue
            at = self.plain.find(stem)
            turns = unless.get(stem) if at >= 0 else None
            while at >= 0:
                if turns is None or not turns.search(self.plain, max(0, at - 40), at + 40):
                    places.append(at)
                at = self.plain.find(stem, at + len(stem))
        last = -1
        for place in sorted(places):
            at = self.index(place)
            if at > last and self.spans[at][1] > place:
                last = at
                yield self.spans[at]

    def hours(self, start: int, end: int) -> list[tuple[float | None, frozenset[str]]]:
        """The hours of insertion told from a sentence on, with their lots: each number once, however often asked."""
        if start < self._heard:
            return [(None, lots_named(self.plain[start:end]))]
        found, last = told_around(self.plain, self.spans, self.index(start))
        self._heard = max(self._heard, last)
        return found

    def after(self, start: int, end: int) -> str:
        """What follows a sentence that is a label or a question: its answer may stand there."""
        if end - start < 80 and _SAYS_NO.match(self.plain[end : end + 40].lstrip(" .;:|-\n")):
            return " : non"  # a heading, and "Sans objet." below it
        if self.plain[end - 1 : end] in ".!…" or self.plain[end : end + 3].strip()[:1] in (";", "|"):
            return ""
        return self.plain[end : end + 24]


_NAMES = (
    "2113", "adapt", "insertion", "esat", "iae", "nitenti", "ess ", "emplois prot", "emploi prot", "solidaire", "protege",
    f"prot{LOST}g", "favoris", "handicap", "par le travail",
)  # fmt: skip
_RESERVING = ("reserv", f"{LOST}serv", "cette facult", "cette possib", *_NAMES)
#: "se réserve le droit", "sous réserve de", "levée des réserves": not what is sought.
_HELD_BACK = re.compile(
    rf"\bse r[e{LOST}]{{1,2}}serv\w+|\b(?:sous|sans) r[e{LOST}]{{1,2}}serves?\b|\br[e{LOST}]{{1,2}}servoirs?"
)
_MAY_RESERVE = re.compile(rf"[e{LOST}]serv|esat\b|adapt[e{LOST}]|\bs?iaes?\b|2113|\bess\b|appartenir")
_EXCLUSIVE = re.compile(
    rf"\bseule?s?\b|exclusiv|uniquement|seulement|strictement|restreint|limit|\bqu['e{LOST}]|programme|irreceva|rejet"
    rf"|cart[e{LOST}]|limin|\bdoit|\bdoiv|\bdevr|2113|\bd[e{LOST}]+di[e{LOST}]|\bfl[e{LOST}]+ch|conditionn|subordonn|mentionn|cette facult|cette possib|\bni\b|\bl'est\b"
)


def _reservations(read: Text, spans: Iterable[tuple[int, int]]) -> list[Finding]:
    """Every statement of these sentences that the contract, or lots of it, are reserved."""
    found: list[Finding] = []
    lots: frozenset[str]
    but: frozenset[str]
    for start, end in spans:
        sentence = read.plain[start:end]
        if not any(stem in sentence for stem in _RESERVING):
            continue
        if "reserv" in sentence or f"{LOST}serv" in sentence:
            if "insertion" not in sentence and not _MAY_RESERVE.search(_HELD_BACK.sub(" ", sentence)):
                continue
        elif not _EXCLUSIVE.search(sentence):
            continue
        if _unanswered(read, start, end):
            continue
        for low, high in _clauses(sentence):
            stated = _reserved(sentence, low, high, read.after(start, end), read.text[start:end])
            if stated:
                passage = read.text[start:end].strip()
                what = Reservation(
                    articles=articles(passage) or _articles_near(read, start, end),
                    origin="text",
                    passage=_quote(passage, low),
                    confidence=stated,
                )
                part = sentence[low:high]
                excepted = _EXCEPTED.search(sentence)
                if excepted or _ALL_LOTS.search(part):
                    lots, but = frozenset(), lots_named(excepted.group()) if excepted else frozenset()
                else:
                    lots, but = lots_named(part) or lots_named(sentence), frozenset()
                found.append(Finding(what, lots, but))
                break
    return found


def _articles_near(read: Text, start: int, end: int) -> tuple[str, ...]:
    """The articles that the sentence before or after states of this reservation, where its own states none."""
    told_after = re.split(r"[.;\n]\s", read.plain[end : end + 220].lstrip(" .;:\n"))
    after = told_after[:2] if len(told_after[0]) < 30 else told_after[:1]
    before = re.split(r"[.;\n]\s", read.plain[max(0, start - 220) : start].rstrip(" .;:\n"))[-1]
    taken_up = re.search(r"\bcette (?:facult|possib|dispos)", read.plain[start:end]) is not None
    for sentence in (*after, before):
        if taken_up or ("lot" not in sentence and not any(p.search(sentence) for p in (_MAYBE, _LAW, _NOT))):
            boxes = [found.start() for found in _BOX.finditer(sentence)]
            if boxes:  # of a form, what is ticked
                items = zip(boxes, [*boxes[1:], len(sentence)], strict=True)
                sentence = " ".join(sentence[a:b] for a, b in items if re.match(_TICKED, sentence[a:b]))
            stated = articles(sentence)
            if stated:
                return stated
    return ()


_ALL_LOTS = french(
    r"\btous les lots\b|\bl'ensemble des lots\b|\bla totalité des lots\b|\bchaque lot\b|\bchacun des lots\b"
)
_EXCEPTED = french(
    r"\b(?:à l'exception|sauf|hormis|excepté|hors)\b(?: (?:du|des|le|les|pour))*(?: le| les)? lots?[^.;]{0,40}"
)
_BUT = french(
    r",? (?:mais|en revanche|tandis que|alors que|toutefois|cependant|à l'exception|sauf|contrairement|par contre)\b|,\s*(?=(?:le|les|seuls?|tous|ce|cet) (?:lots?|autres?)\b)"
    r"|(?P<aside>\s*:\s*(?=(?:réserv\w+|elle|il|celui|celle|le|la|ce|cette|seule?s?|l')\b)|,\s*(?=(?:elle|il|le|la|les|un|une|l')\b))"
)
#: A first half that denies or supposes something else than the second half states.
_SET_ASIDE = french(
    r"^\s*(?:bien qu|quoiqu|si |même si|sans |loin d)|\b(?:n'est|ne sont|n'êtes|n'étant) (?:pas|plus|ni)\b"
)


_BOX = re.compile(rf"{_TICKED}|{_EMPTY}")
_BOXED = re.compile(r"[☒☑✓✔✗✘■⊠☐□⃞▢]|\[ ?x? ?\]|\( ?x? ?\)|__")  # a cheaper look, before


_LABEL_BOX = re.compile(rf"[^\W\d_]{{3}}[^:☐☑☒]{{0,90}}:\s*(?:{_TICKED}|{_EMPTY})(?!\s*(?:oui|non)\b)")


def _clauses(sentence: str) -> Iterator[tuple[int, int]]:
    """The clauses of a sentence that one "mais" or one lot after another sets apart."""
    boxes = [found.start() for found in _BOX.finditer(sentence)] if _BOXED.search(sentence) else []
    labels = [found.end() for found in _LABEL_BOX.finditer(sentence)] if len(boxes) > 1 else []
    if len(labels) > 1 and len(labels) == len(boxes):
        yield from zip(
            [0, *labels[:-1]], [*labels[:-1], len(sentence)], strict=True
        )  # each label before its box
        return
    if (
        len(boxes) > 1
        and not sentence[: boxes[0]].strip()
        and re.search(r"[^\W\d_]{4}", sentence[boxes[0] : boxes[1]])
    ):
        yield from zip(boxes, [*boxes[1:], len(sentence)], strict=True)  # a form: each box before its label
        return
    start = 0
    for found in _BUT.finditer(sentence):
        if found.lastgroup == "aside" and not _SET_ASIDE.search(sentence[start : found.start()]):
            continue
        if found.start() > start:
            yield start, found.start()
        start = found.start()
    yield start, len(sentence)


def _reserved(sentence: str, low: int, high: int, after: str, written: str = "") -> float:
    """How sure it is that this clause reserves the contract: 0 when it does not."""
    clause = sentence[low:high]
    if "serv" in clause or "programme" in clause:
        for found in _RESERVED.finditer(clause):
            if _VERB_OR_NOUN.fullmatch(written[low + found.start() : low + found.end()]):
                continue
            sure = _adjective(clause, found, after if high == len(sentence) else "")
            if sure:
                return sure
        for pattern in (_RESERVE_VERB, _RESERVATION_NOUN, _PROGRAM):
            verb = pattern.search(clause)
            if (
                verb
                and not (pattern is _RESERVATION_NOUN and _ROOMS.search(clause[: verb.start()]))
                and not _denied(clause, verb.start(), verb.end())
                and not _SHARED.search(verb.group())
                and not _PART.search(clause[: verb.start()])
                and not _PAST.search(clause[max(0, verb.start() - 40) : verb.start()])
                and not (pattern is _RESERVATION_NOUN and _UNDONE.search(clause[verb.end() :][:60]))
            ):
                behind = clause[verb.end() :] + " " + (after if high == len(sentence) else "")
                before = clause[: verb.start()]
                empty = re.search(rf"(?:{_EMPTY})[^☒☑☐□\[\]]{{0,60}}$", before)
                if _answer(behind) is not False and _answer_far(behind) is not False and not empty:
                    return 0.9
        to = _RESERVE_TO.search(clause)
        if (
            to
            and not _NOT.search(clause[: to.end()])
            and not _PAST.search(clause[: to.start()])
            and not _SHARED.search(to.group())
        ):
            return 0.8
    out = _OTHERS_OUT.search(clause)
    if (
        out
        and not _denied(clause[: out.start()], out.start(), out.start())
        and not _PART.search(clause[: out.start()])
    ):
        return 0.75
    if "l'est" in clause and "serv" in sentence[:low] and _ELLIPSIS.search(clause):
        return 0.75
    if (
        _ONLY_WORDS.search(clause)
        and _ONLY_STATES.search(clause)
        and _ONLY.search(clause)
        and not _MAYBE_ONLY.search(clause)
        and not _LAW.search(clause)
    ) and not _PAST.search(clause):
        return 0.85
    row = _FORMULA.search(clause) if "mentionn" in clause else None
    if row and not _denied(clause, row.start(), row.end()):
        return 0.7
    under = (
        _UNDER_ARTICLE.search(clause) if "2113" in clause or "cette" in clause or "serv" in clause else None
    )
    if under and not _denied(clause, under.start(), under.end()):
        return 0.8
    return 0.0


_MAYBE_ONLY = french(
    r"\bseule?s? ou (?:en|dans)|obligation d'emploi|5212|\b(?:susceptibles?|envisage|le cas échéant|pourrait|pourraient|si |s'il|lorsqu)|n'est pas|ne sont pas|non seulement|pas exclusivement|pas uniquement|pas seulement|pas limitée?|sous-trait"
)


def _adjective(clause: str, found: re.Match[str], after: str) -> float:
    before, behind = clause[: found.start()], clause[found.end() :] + " " + after
    offer = _OFFER.search(clause[max(0, found.start() - 12) : found.end()])
    if (offer and not re.search(r"appels? d\W\s?offres $", before)) or re.search(r"\b(?:se|s') ?$", before):
        return 0.0
    if _TO_FILL.match(behind) or _FORMERLY.search(before) or _CHOICE.search(clause):
        return 0.0
    if not before.strip(" -:•*\t«") and _ARTICLE.search(behind[:60]) and _OPENS.match(behind):
        return 0.85  # "Réservé au titre de l'article L. 2113-12.", the contract being understood
    if (
        _ARTICLE.search(behind[:40])
        and _UNDER.match(behind)
        and french(rf"\b{_DEAL}(?: public)? $").search(before)
    ):
        return 0.9
    following = _RESERVED.search(behind)
    if following and re.search(rf"{_TICKED}|{_EMPTY}", behind[: following.start()]):
        behind = behind[: following.start()]  # the boxes of the next label are not this one's
    answer = _answer(behind)
    label = _answer_far(behind)
    box = re.search(rf"(?:(?P<yes>{_TICKED})|(?P<no>{_EMPTY}))[^☒☑☐□\[\]]{{0,90}}$", before)
    if answer is False or label is False or (box and box.group("no")):
        return 0.0
    ticked = answer is True or label is True or bool(box and box.group("yes"))
    if _denied(clause, found.start(), found.end()) or _PAST.search(before[-90:]) or _ELSEWHERE.search(clause):
        return 0.0
    undone = _UNDONE.search(behind[:110])
    if undone and not _MAYBE.search(behind[:110]) and not _REPLACES.search(behind[: undone.start()]):
        return 0.0
    if _NO_PEOPLE.search(behind):
        return 0.0
    deals = list(_DEALS.finditer(before))
    thing = _THING.search(before)
    if _PART.search(before) or (thing and not (deals and deals[-1].start() > thing.start())):
        return 0.0
    boxes = _ticked_label(behind) if ":" in behind[:4] else None
    if boxes is None and _own_box(before, behind) is False:
        return 0.0
    if boxes is not None:
        return 0.95 if boxes else 0.0
    if behind.lstrip()[:1] == ":" and following and not _BOX.search(behind):
        return 0.0  # a heading: what stands below it says whether
    if _GENERAL.search(before):
        return 0.0  # "les marchés réservés aux...", spoken of in general
    if (
        (_TO_TARGET.match(behind) and _BODIES.match(behind))
        or _CLOSE_TARGET.match(behind)
        or _THEIRS.search(before)
    ):
        return 0.95
    if ticked and (deals or _SUBJECT.search(before)):
        return 0.95
    if deals and _ON_THIS.match(behind):
        return 0.8
    if deals and _OPENS.match(behind) and _ARTICLE.search(behind[:110]):
        return 0.9
    if _TO.match(behind):
        return 0.0  # reserved for someone else: a profession, the members of a framework
    if not deals or "?" in behind[:3] or _HEADING.search(before[: deals[-1].start()]):
        return 0.0
    if (
        french(r"\b(?:les|des|aux|ces|de) $").search(before[: deals[-1].start()])
        and before[deals[-1].start() :].startswith(("marches", "contrats", "march\ufffds"))
        and (not _COPULA.search(before) or _LAW.search(clause))
    ):
        return 0.0  # "les marchés réservés", spoken of in general
    if _ARTICLE.search(behind[:110]) and not french(
        r"^[^.;(]{0,20}\b(?:relèvent|répondent|obéissent)\b"
    ).search(behind):
        return 0.9
    if _ROW.search(before) and re.match(r"\s*(?:[.;,)|]|$)", behind):
        return 0.85
    close = _CLOSE_DEAL.search(before)
    if close or (_COPULA.search(before) and len(before) - deals[-1].end() < 100):
        return 0.8
    return 0.0


_GENERAL = french(
    r"\b(?:les|des|de|nos|ses|leurs|ces|certains|\d+) (?:marchés|contrats|achats|commandes)(?: publics)?(?: dits)? $"
)
_DEALS = french(rf"\b{_DEAL}\b")
_SUBJECT = french(r"\b(?:participation|exécution|prestations?)\b")
_TO = french(
    rf"^{_ADVERBS}\s*(?:à|aux?|pour|au|dans|sur|par|pendant|lors|de)\b(?! (?:titre|sens|regard) (?:de|des|du)\b)"
)
_TO_TARGET = french(
    rf"^{_ADVERBS}\s*[,:(-]?\s*(?:à|aux?|pour|au profit|en faveur|au bénéfice|dans le cadre)\b[^.;]{{0,130}}?{_TARGET}"
)
#: Who a contract is reserved to: a body of some kind; "réservé au personnel de l'ESAT" names somebody else.
_BODIES = french(
    rf"^{_ADVERBS}\s*[,:(-]?\s*(?:à|aux?|pour|au profit|en faveur|au bénéfice|dans le cadre)(?: (?:de|d'|des|du|les?|la|l'|une?|ces|ce|cette|seule?s?|toute?s?|tous|deux|certaine?s?|divers|catégories?|son|sa|ses|autres?))*\s*(?:[«\"(]\s*)?(?:opérateurs?|structures?|entreprises?|organismes?|établissements?|acteurs?|associations?|organisations?|candidat\w*|soumissionnaires?|sociétés?|ateliers?|secteurs?|services?|personnes? morales?|coopératives?|programmes?|groupements?|employeurs?|tpe|pme|prestataires?|fournisseurs?|milieu|monde|champ|domaine|dispositif|régies?|chantiers?|insertion|économie|handicap|titulaires? (?:d'une?|de l'|du|de la) (?:agrément|convention|conventionnement|label|autorisation)|régime|travail|{_TARGET})"
)
_CLOSE_TARGET = french(rf"^\s*[:(/«-]*\s*(?:aux? |à |des |secteur )?(?:{_TARGET}|handicap\b)")
_CLOSE_DEAL = french(
    rf"(?:^|\b){_DEAL}(?: (?:public|publics|de services?|de travaux|dits?|n°? ?\d+|\d+|[a-z]))*\s*[(\[:-]?\s*$"
)
_COPULA = french(
    r"\b(?:est|sont|sera|seront|étant|reste|demeure|demeurent)\b (?:\w+ment )?$|\bà (?:caractère )?$"
)


def _own_box(before: str, behind: str) -> bool | None:
    """The box right after a label, in a form that puts every box after its label; None where it is not so."""
    found = re.match(rf"^[\s:]*(?:(?P<yes>{_TICKED})|(?P<no>{_EMPTY}))", behind)
    if (
        found is None
        or re.search(rf"{_TICKED}|{_EMPTY}", before)
        or re.match(rf"^\s*:?\s*(?:{_TICKED}|{_EMPTY})\s*(?:oui|non)\b", behind)
    ):
        return None
    return bool(found.group("yes"))


def _ticked_label(behind: str) -> bool | None:
    """Whether a list of boxes, each before its label, ticks a structure that the law knows; None without boxes."""
    boxes = list(re.finditer(rf"(?P<yes>{_TICKED})|(?P<no>{_EMPTY})", behind[:300]))
    if not boxes or not re.search(r"[^\W\d_]{2}", behind[boxes[-1].end() :][:40]):
        return None
    ends = [b.start() for b in boxes[1:]] + [len(behind)]
    for box, end in zip(boxes, ends, strict=True):
        label = behind[box.end() : end]
        if box.group("yes") and not french(r"\bnon\b|\baucun|ouvert|sans objet|néant|\bpas de\b").search(
            label
        ):
            return True
    return False


_DECIDED = french(
    r"\b(?:décid|résolu|arrêt|conven|act|approuv)\w*\b[^.;]{0,12}\bqu(?:e|')[^.;]{0,60}\bserai(?:t|ent)\b"
)


def _denied(clause: str, start: int, end: int) -> bool:
    """True where the words around a span deny it, make it possible only, or tell the law."""
    around = clause[max(0, start - 140) : end + 60]
    return bool(
        _NOT.search(clause[max(0, start - 90) : end + 8])
        or (_MAYBE.search(around) and not _DECIDED.search(clause[:end]))
        or _LAW.search(clause[: end + 40])
    )


def _answer(behind: str) -> bool | None:
    """What a box or a word right after a label answers: ticked, not ticked, or nothing said.

    "oui ☐ non ☒" answers by its boxes; a lone "oui" or "non" answers itself.
    """
    marks = list(re.finditer(rf"(?P<word>\boui\b|\bnon\b)|(?P<yes>{_TICKED})|(?P<no>{_EMPTY})", behind[:40]))
    words = [m for m in marks if m.group("word")]
    boxes = [m for m in marks if not m.group("word")]
    if len(words) >= 2 and boxes and _ANSWER.match(behind):
        first_is_box = boxes[0].start() < words[0].start()
        for i, word in enumerate(words[:2]):
            beside = (
                [b for b in boxes if b.start() < word.start()][-1:]
                if first_is_box
                else [
                    b
                    for b in boxes
                    if b.start() > word.end() and (i + 1 >= len(words) or b.start() < words[i + 1].start())
                ][:1]
            )
            if beside and beside[0].group("yes"):
                return word.group("word") == "oui"
        return False
    found = _ANSWER.match(behind)
    if not found:
        return None
    if found.group("yes"):
        return True
    if found.group("no"):
        rest = behind[found.end() :].strip()
        return None if rest[:2].isalpha() and not rest.startswith(("oui", "non")) else False
    return found.group("word") in ("oui", "yes", "true", "vrai")


def _answer_far(behind: str) -> bool | None:
    """The answer that ends a long label: "réservé à des ateliers protégés [...] : non"."""
    found = re.search(
        rf"[:?=]\s*((?:{_TICKED}|{_EMPTY}|oui\b|non\b|sans objet|neant|aucune?\b|false|true)[^.]{{0,30}})\s*\.?\s*$",
        behind[:400].strip(),
    )
    found = found or re.search(rf"\s((?:{_TICKED}|{_EMPTY}))\s*\.?\s*$", behind[:400].strip())
    return _answer(found.group(1)) if found else None


def _quote(passage: str, at: int = 0, width: int = 400) -> str:
    """The passage, or the part of a long one that holds the statement."""
    if len(passage) <= width:
        return passage
    start = max(0, min(at, len(passage) - width))
    return ("…" if start else "") + passage[start : start + width].strip() + "…"


# -------------------------------------------------------------------------------------- social clauses

_FAR = r"(?:(?:durablement |très )?éloignée?s? (?:de l'emploi|du marché du travail|du marché de l'emploi)|en (?:situation d'|parcours d'|démarche d'|recherche d')?insertion|en (?:grande )?difficultés?|(?:dits? )?prioritaires?|sans qualification|peu qualifiée?s?|rencontrant des difficultés|en recherche d'emploi|sans emploi|privée?s? d'emploi|bénéficiaires? du rsa|allocataires? du rsa|défavorisée?s?|handicapée?s? ou défavorisée?s?|issue?s? de publics? en difficulté)"
_INSERTION = r"insertion(?! (?:au (?:boamp|joue|bulletin|journal)|pays|arch|urb|dans|environn|graph|publicit|presse|num|web|vid|photo|visuelle|harmonieuse|topo|d'(?!une personne)|(?:du|de la|de l'|des|de) (?!public|personne|jeune|demandeur|salari|travailleur|bénéficiaire|chômeur|population|habitant|titulaire|marché|allocataire|\d|deux|trois|quatre|cinq|six|ceux|celles|candidat|soumissionnaire|lot|contrat)))"
_CLAUSE = french(
    r"\bclauses?(?: \w+){0,2} (?:sociales?|socio|d'insertion|d'action d'insertion|de promotion de l'emploi|d'emploi|solidaires?)\b"
    r"|\bclauses? (?:environnementales? et sociales?|sociales? et environnementales?|d'exécution sociales?|à caractère social|d'exécution à caractère social|sociale? obligatoire)"
    rf"|\b\d+ ?h\b (?:\w+ ){{0,2}}(?:d'|en |à l'|pour l'){_INSERTION}|\bcontrats? (?:\w+ ?(?:ou|et|,)? ?)?(?:d'apprentissage ou )?d'{_INSERTION}"
    rf"|\b(?:embauch|recrut(?:e|er|era|eront|ent|ant)\b|employ(?:er|ée?s?|ant)\b|emploie|réserv(?:e|er|era|eront|ent)\b|confi(?:e|er|era|eront|ent|ée?s?)\b|affect(?:e|er|era|ent|eront|ée?s?)\b)[^.;]{{0,60}}\b(?:demandeurs? d'emploi|chômeurs?|personnes? au chômage|bénéficiaires? du rsa|jeunes sans qualification|personnes? peu qualifiées?)"
    rf"|\bheures? (?:de travail |de travail réservées? |travaillées? |minimum |minimales? )?(?:d'|en |à l'|dédiées? à l'|consacrées? à l'|au titre de l'|pour l'){_INSERTION}"
    rf"|\b(?:actions?|démarches?|objectifs?|engagements?|obligations?|efforts?|volets?|dispositifs?|dispositions?|mesures?|exigences?|conditions?|plan|programme) (?:d'exécution |minimale?s? |obligatoires? |particulières? |sociales? |en faveur )?(?:d'|de l'|en matière d'|relatifs? à l'|relatives? à l'|d'exécution d'){_INSERTION}"
    r"|\bconsidérations? (?:d'ordre |à caractère )?socia(?:les?|l)\b|\b(?:conditions?|exigences?) (?:particulières? )?d'exécution[^.;]{0,25} (?:à caractère |d'ordre |de nature )?socia(?:les?|l)\b"
    rf"|\bconditions? d'exécution[^.;]{{0,40}}\b(?:insertion|emploi de|en faveur de l'emploi)"
    r"|\bexigences? sociales?\b|\binsertion \(?(?:en )?heures?\)?\s*[:=]\s*\d|\bla clause\b(?! (?:pénale|résolutoire|compromissoire|de|d'))[^.;]{0,60}\b\d[\d ]* ?h(?:eures?)?\b"
    r"|\bpromotion de l'emploi\b|\bdispositif de promotion"
    rf"|\b{_INSERTION}[^.;]{{0,120}}\b\d[\d ]* ?h(?:eures?)?\b|\b\d[\d ]* ?h(?:eures?)?\b[^.;]{{0,120}}\b{_INSERTION}"
    rf"|\brecours[^.;]{{0,20}}à l'{_INSERTION}|\b(?:heures?|temps de travail|main-? ?d'œuvre)\b[^.;]{{0,40}}\bà (?:l'|une action d'|des actions d'){_INSERTION}"
    rf"|\b(?:devra|devront|doit|doivent|s'engage|tenu|obligatoire|au moins|minimum|sous-traitera|confiera)[^.;]{{0,60}}\b(?:sous-trait\w*|confi\w*|co-?trait\w*|recour\w*|faire appel|appel)\b[^.;]{{0,80}}{_STRUCTURE}"
    rf"|\b(?:employ(?:er|ée?s?|ant)\b|embauch|recrut(?:e|er|era|eront|ent|ant)\b|affect(?:e|er|era|ent|eront|ée?s?)\b|mobilis)[^.;]{{0,60}}\b(?:personnes?|publics?|salariés?)\b[^.;]{{0,25}}{_FAR}"
    rf"|\b(?:embauch|recrut(?:e|er|era|eront|ent|ant)\b|faire travailler|emploi(?:e|era|eront|ent)?\b|employer|confi(?:e|er|era|eront|ent|ée?s?)\b|réserv(?:e|er|era|eront|ent)\b|recour|mobilis|affect(?:e|er|era|ent|eront|ée?s?)\b|consacr|réalis|favoris|facilit|accès à l'emploi|accès ou (?:le |au )?retour à l'emploi|insertion)[^.;]{{0,90}}\b(?:personnes?|publics?|demandeurs?|salariés?|jeunes|travailleurs?|bénéficiaires?|structures?)\b[^.;]{{0,25}}{_FAR}"
    rf"|\b(?:heures|%|pour ?cent|etp)\b[^.;]{{0,100}}\b(?:personnes?|publics?|demandeurs?|salariés?|jeunes|structures?)?[^.;]{{0,20}}{_FAR}"
    rf"|\b(?:titulaire|attributaire|entreprise|contribu|favoris|promouv|visant|permett|destinée?s? à|en faveur|particip|exécution|engag)[^.;]{{0,90}}\b{_INSERTION} (?:sociale |socio-?professionnelle |professionnelle )?(?:et |ou )?(?:sociale |professionnelle |économique )?(?:de|des|du|d'un|pour les) (?:personnes?|publics?|demandeurs?|chômeurs|bénéficiaires?|jeunes|salariés?|travailleurs?)"
    r"|\bl\.? ?2112-? ?2(?:-1)?\b[^.;]{0,80}\b(?:social|insertion|emploi)|\b(?:social|insertion|emploi)\w*\b[^.;]{0,80}\bl\.? ?2112-? ?2(?:-1)?\b"
    r"|\barticles? (?:14|16|20|15|18)(?:\.\d)*\b[^.;]{0,30}\bccag\b[^.;]{0,80}\binsertion|\binsertion\b[^.;]{0,80}\barticles? (?:14|16|20|15|18)(?:\.\d)*\b[^.;]{0,30}\bccag\b"
)
#: The people for whom a clause is written.
_PUBLIC = (
    rf"(?:(?:personnes?|publics?|demandeurs?|salariés?|jeunes?|travailleurs?|bénéficiaires?|habitants?|résidents?|chômeurs?|candidats?|agents?|ouvriers?)[^.;,]{{0,30}}(?:{_FAR}|en parcours|relevant de la politique|mission locale|reconnue?s? travailleurs? handicapés?|sous main de justice|en contrat aidé|quartiers? prioritaires?|de longue durée|sortant de détention|issue?s? (?:de l'insertion|d'une (?:structure|entreprise) d'insertion))"
    r"|demandeurs? d'emploi|chômeurs?|(?:allocataires?|bénéficiaires?) (?:du rsa|de minima|des minima)|main-? ?d'œuvre (?:en|d'|locale en) ?insertion|personnels? en (?:insertion|parcours)|salariés? en (?:insertion|parcours)|contrats? (?:aidés?|d'insertion)|\bcddi\b)"
)
_OWES = r"(?:titulaires?|attributaires?|prestataires?|entreprises?|entrepreneurs?|concessionnaires?|exécution|lots?|marchés?|parts?|pourcentage|postes?|temps|heures|h|effectifs?|équipes?|main-? ?d'œuvre)"
_DUTY = french(
    rf"\b{_OWES}\b[^.;]{{0,90}}\b(?:recrut\w*|embauch\w*|emploi(?:e|era|ent|eront)|employ\w*|affect\w*|réserv(?:e|er|era|eront|ent)\b|confi(?:e|er|era|eront|ent|ée?s?)\b|consacr\w*|occup\w*|revien\w*|mobilis\w*|intègr\w*|fait travailler|dédi\w*)\b[^.;]{{0,80}}{_PUBLIC}"
    rf"|\b(?:parts?|pourcentage|postes?|temps|heures|h|quart|tiers|moitié|quota|emplois?)\b[^.;]{{0,60}}\bréservée?s?\b[^.;]{{0,60}}{_PUBLIC}"
    rf"|\b(?:équipes?|effectifs?|personnel)\b[^.;]{{0,30}}\b(?:compren|compt|compos|inclu|intègr)\w*[^.;]{{0,50}}{_PUBLIC}"
    rf"|\b{_OWES}\b[^.;]{{0,60}}\baccueill\w*[^.;]{{0,60}}\b(?:salariés? en (?:parcours|insertion)|temps plein|etp)\b"
    rf"|\b(?:taux|quotas?|parts?|efforts?|pourcentage|seuil|plancher|volumes?|nombre|minimum|référente?s?|mémoire|bilan|suivi|plan|volet) (?:\w+ )?(?:d'|de l'|à l'|sur l'){_INSERTION}(?! par l'activité)[^.;]{{0,60}}\b(?:exig|fix|impos|demand|obligat|s'élève|minim|\d|titulaire|notée?)"
    rf"|\b(?:doit|doivent|devra|devront|exige|impose|obligatoire\w*|au moins|minimum|s'engage|tenue?s?|requis|\d ?%)[^.;]{{0,90}}\b(?:sous-trait\w*|confi\w*|recour\w*|(?:faire|fait) appel|co-?trait\w*)\b[^.;]{{0,80}}{_STRUCTURE}"
    rf"|\b(?:sous-traite|confie|recourt|fait appel|associer?a?)\b[^.;]{{0,30}}\b(?:obligatoirement|au moins|au minimum|\d ?%)[^.;]{{0,60}}{_STRUCTURE}"
    rf"|\b(?:doit|doivent|devra|devront|exige|impose|obligatoire\w*)[^.;]{{0,60}}\b(?:intervention|équipe|personnels?|salariés?|agents?|participation)\b[^.;]{{0,30}}\b(?:issue?s? d|d'une?|des?) ?[^.;]{{0,20}}{_STRUCTURE}"
    rf"|\b(?:sous-traite|confie|recourt|fait appel|associer?a?)\b[^.;]{{0,40}}{_STRUCTURE}[^.;]{{0,50}}\b(?:au moins|au minimum|pour un|à hauteur de|\d+ ?%)"
    rf"|\b{_INSERTION}[^.;]{{0,60}}\bne (?:peut|pourra|saurait|devra) être inférieure?|\b(?:bénéficiaires?|publics?|personnes) de la clause d'insertion"
    r"|\bclauses?\b[^.;]{0,50}\b(?:satisfaite|remplie|exécutée|réalisée|honorée|respectée|mise en œuvre)s? par[^.;]{0,60}\b(?:embauche|etti|insertion|mise à disposition|intérim)"
    r"|\bfacilitat\w+[^.;]{0,70}\b(?:titulaire|attributaire|entreprise retenue)\b|\b(?:titulaire|attributaire|entreprise retenue)\b[^.;]{0,70}\bfacilitat\w+"
    r"|\bobligation d'emploi de (?:personnes|publics|demandeurs)|\bsocial objective[^.;]{0,60}\b(?:employment|unemployed|disadvantaged)"
    r"|\binsertion\b(?: professionnelle| sociale)? (?:des [^.;,]{3,50})?est (?:\w+ )?(?:une condition|obligatoire|imposée|exigée)"
)
#: The holder does something of insertion, in any words: what the notice says of it binds.
_ACTS = french(
    rf"\b(?:titulaires?|attributaires?|entreprises?(?! (?:d'insertion|adaptée|sociale))|entrepreneurs?|candidat retenu|concessionnaires?|prestataires?)\b[^.;]{{0,60}}\b(?:devra|devront|doit|doivent|s'engage\w*|s'acquitte\w*|met(?:tra|tront|tent)? en (?:place|œuvre)|remet\w*|transmet\w*|justifie\w*|collabor\w+|fera|feront|fait|intègre\w*|intégr\w+|propose|réalise\w*|réalisera|respecte\w*|participe\w*|contribue\w*|associe\w*|rend compte|encour\w*|suit|désigne\w*|consacre\w*|effectue\w*|signe\w*|signée?s?)\b[^.;]{{0,90}}\b(?:{_INSERTION}\b|{_PUBLIC}|clause sociale|travailleurs? handicapés?)"
    rf"|\b(?:{_INSERTION}|{_PUBLIC})[^.;]{{0,70}}\b(?:mobilisée?s?|recrutée?s?|employée?s?|embauchée?s?|réalisée?s?|effectuée?s?|transmise?s?|contrôlée?s?|justifiée?s?|obligation|à la charge)\b[^.;]{{0,20}}\b(?:par|du|de) (?:le |l'|chaque |son |leur )?(?:titulaire|attributaire|entreprise|candidat retenu)"
    rf"|\b(?:titulaire|attributaire|entreprise|entrepreneur)\b[^.;]{{0,60}}\b(?:collabor\w+ avec|intervenir|fait intervenir|s'appuie sur|s'appuiera sur|s'adjoint|s'adjoindra)\b[^.;]{{0,30}}{_STRUCTURE}"
    rf"|^\W*{_INSERTION}(?: \w+)?\s*[:(]\s*(?:clause )?(?:obligatoire|imposée|oui)\b|\b(?:éligibles?|admissibles?) (?:à|au titre de) la clause\b|\bpublics? (?:concernés?|visés?|éligibles?|cibles?) par la clause"
    r"|\b(?:marché|lot|opération|contrat|chantier)\b[^.;]{0,12}\b(?:est|sera)\b\s*[«\"]?\s*clausée?\b|\bclauses?\s*[«\"]\s*(?:emploi|insertion|sociale)"
    r"|\bconvention\b[^.;]{0,40}\bfacilitat\w+[^.;]{0,60}\bclause"
)
_CRITERION = french(
    rf"\b(?:pondération|classée?s?|points? (?:sont )?(?:attribuée?s?|accordée?s?|réservée?s?))\b[^.;]{{0,120}}\b(?:{_INSERTION}\b|{_PUBLIC})|\bdémarche sociale\b[^.;]{{0,60}}\bnotée?|\bsociale? \({_INSERTION}\)?"
    rf"|\b{_INSERTION}\b[^.;]{{0,60}}\b(?:est|sont|sera|seront) (?:\w+ )?(?:notée?s?|pondérée?s?|un critère|un sous-critère)"
    "|"
    rf"\b(?:jugée?s?|notée?s?|appréciée?s?|évaluée?s?|pondér\w*|notation|barème|critères?|points?)\b[^.;]{{0,160}}\b(?:politique d'{_INSERTION}|{_INSERTION} (?:sociale|professionnelle)|salariés en parcours|parcours (?:des salariés|d'insertion))"
    rf"|\b(?:mémoire|volet|note|item|rubrique) (?:d'|sur l')?{_INSERTION}\b[^.;]{{0,30}}\b(?:notée?s?|points?|\d+ ?%)|\bnote d'{_INSERTION} est\b"
    rf"|\b(?:jugée?s?|notée?s?|appréciée?s?|évaluée?s?)\b[^.;]{{0,110}}\b{_PUBLIC}"
    rf"|\bperformances?(?: sociales?)?(?: et environnementales?)? en (?:matière|termes?) (?:d'{_INSERTION}|sociale|de responsabilité sociale|de développement social)"
    rf"|\bperformances? (?:sociales?|d'{_INSERTION})|\bvaleur sociale\b|\bqualité sociale\b"
    rf"|\bcritères?\b[^.;]{{0,80}}\b(?:{_INSERTION}|publics? en difficulté)|\bcritères?\b[^.;,]{{0,25}}\bsocia(?:l|le|ux|les)\b(?! et fiscal)"
    rf"|\b(?:{_INSERTION}|publics? en difficulté)\b[^.;:]{{0,70}}\bcritères?\b"
    rf"|\b(?:{_INSERTION}(?: sociale| professionnelle| des publics?[^.;:(]{{0,30}})?|démarche sociale|aspects? socia(?:l|ux)|volet social|engagement social|développement durable et social)\b[^.;]{{0,30}}?[:(\-= ]+\s*\d{{1,3}} ?(?:%|points?|pts?|/ ?\d+|pour cent)"
    r"|\br\.? ?2152-? ?7\b[^.;]{0,120}\b(?:insertion|social)|\b(?:insertion|social)\w*\b[^.;]{0,120}\br\.? ?2152-? ?7\b"
    rf"|\b(?:jugée?s?|notée?s?|appréciée?s?|évaluée?s?|pondérée?s?|notation)\b[^.;]{{0,60}}\b{_INSERTION}(?: sociale| professionnelle| des| de)"
)
#: An insertion contract: what is bought is insertion itself, through a support.
_OBJECT = french(
    rf"\b(?:marchés?|prestations?|services?|missions?|accord-cadre) (?:de services? |de prestations? |sociaux et spécifiques )?(?:d'|de (?:ré)?){_INSERTION}(?! professionnelle (?:auprès|de type))(?:[^.;]{{0,160}}\b(?:support|par l'|par le|par la|par des|via|à travers|lié|au moyen|au travers))"
    rf"|\b{_INSERTION}[^.;]{{0,120}}\b(?:ayant|avec|comme|pour|dont|activités?|prestations?)\b[^.;]{{0,30}}\bsupports?\b|\b(?:remobilisation|retour à l'emploi|socio-?professionnelle)\b[^.;]{{0,120}}\bsupports?\b|\b{_INSERTION}[^.;:]{{0,40}}\s*:\s*supports?\b|\b(?:prestations?|travaux|activités?) supports? d[^.;]{{0,30}}{_INSERTION}|\b{_INSERTION} par (?:le travail|l'activité|l'emploi)[^.;]{{0,30}},\s*supports?\b|\bmarchés? (?:de services? |à vocation |de qualification et |de services de qualification et )?d'{_INSERTION}|\bachats? (?:de|d') ?prestations? d'{_INSERTION}|\bréinsertion sociale et économique\b"
)
_ITSELF = french(r"clauses? d'insertion|clauses? sociales?(?! de (?:reprise|transfert))|heures? d'insertion")
#: What is offered of one's own will, or told of a meeting, binds nobody.
_FREELY = french(
    r"\b(?:sans que (?:cela|ce|celle|ceux)[^.;]{0,12} soi(?:t|ent) noté|sans y être tenue?|n'y (?:est|sont) pas tenu|à sa convenance|s'il le souhaite|s'ils le souhaitent|facultati|volontaire|sans obligation|de sa propre initiative|(?:peut|peuvent|pourra|pourront)\b[^.;]{0,50}\bpropos|est (?:très |particulièrement )?(?:sensible|attentive?)|attache[^.;]{0,25}importance|souhaite (?:favoriser|encourager|promouvoir|développer)(?![^.;]*\d)|invitée?s?|encouragée?s?|incitée?s?|encourage|libre de|à titre indicatif|peut proposer|peuvent proposer|pourra proposer|pourront proposer|(?:peut|peuvent|pourra|pourront) (?:\w+ ){0,2}(?:valoriser|présenter|décrire|mentionner|indiquer|joindre|détailler|mettre en avant))\b"
)
_TRAP = french(
    r"\breprise (?:du|des) (?:personnels?|salariés?)|\btransfert (?:du|des) (?:personnels?|salariés?|contrats)|\b(?:réunion|webinaire|colloque|journée|matinée|rencontre)s?\b[^.;]{0,40}\bclauses?|\b(?:direction|agence|foyer|résidence|cellule|forum|locaux|service|pôle|maison|plan local|conseiller|mission|chargée?)\b[^.;]{0,30}\binsertion(?![^.;]{0,60}heures d'insertion)|"
    r"\b\d\d ?%[^.;]{0,40}\b(?:travailleurs|effectifs?|salariés|personnels?)\b(?![^.;]{0,40}heures)|\bproportion (?:minimale )?de|\b[35]0 ?% (?:au moins )?(?:de |des |d')?(?:leurs? )?(?:travailleurs|effectif|salariés)|\bobligations? fiscales?,? (?:et|ou) |\bobligation d'emploi\b(?! de (?:personnes|publics|demandeurs))|\bl\.? ?5212|\bcharges sociales\b|\bcotisations?\b|\bdéclarations? sociales?\b|\b(?:fiscales?|sociales?) et (?:sociales?|fiscales?)\b"
    r"|\bagefiph\b|\bcohésion sociale\b|\b(?:hébergement|logement)s? (?:et|d'|de)[^.]{0,20}insertion\b|\br.insertion sociale \(?chrs|\bréseaux sociaux\b|\bbailleurs? socia|\blogements? socia|\bcentres? socia|\baction sociale\b|\btravail dissimulé|\binsertion (?:d'une|de la|de) clause"
)
_NO_CLAUSE = french(
    r"\b(?:exempt\w*|échapp\w*|dispens(?:ée?s?|ant)(?= ?d)|non soumise?s?|non concernée?s?|exclu\w*)(?: de| d'| à| par| du| des)? ?(?:la |une |toute |les )?$|\b(?:n'|ne )[^.;]{0,40}\b(?:pas|aucune?s?|ni|plus)\b[^.;,:]{0,60}$|\brenonc\w+ [^.;,:]{0,30}$|\b(?:aucune?|sans|ni|hors|pas de|pas d'|absence de|absence d'|dépourvue? de|dispensée? (?:de|d')|exonérée? de)\b ?(?:\w+ ){0,2}(?:d'|l')?\s*$"
)
_NO_CLAUSE_AFTER = french(
    r"^[^.;:]{0,20}\b(?:avait|avaient|aurait|auraient|serait|seraient)\b|^[^.;]{0,12}\b(?:du|des|de l'|d'un) ?(?:précédente?s?|anciens?|derniers?|autres?)\b|^[\s:=]*[:=]\s*(?:0|zéro)\b(?! ?\d)|^[^.;]{0,40}\b(?:ont été|a été|furent) (?:réalis|effectu|accompl|génér)|^\s*[:=-]\s*(?:pas d|aucun|sans |néant|non\b)|^[^.;:]{0,50}?\b(?:est|sont|a été|ont été|fut|sera) (?:supprimée?s?|abandonnée?s?|retirée?s?|annulée?s?|levée?s?|remplacée?s?)|^[^.;:]{0,40}?\b(?:n'(?:est|sont|a|ont)|ne (?:s'applique(?:nt)?|sera|seront|figure|sont|concerne|porte))\b[^.;]{0,30}(?:\b(?:pas|plus|aucune?)\b|\bqu(?:e|')[^.;]{0,60}\b(?:supérieur|dépass|au-delà|excéd|seuil|plus de))|^[^.;]{0,30}\b(?:laisser vide|si non concerné)|^\s*(?:supprimée?s?|abandonnée?s?|sans objet)"
)
_TEACHING = french(
    r"^\W*(?:\w+\W+){0,4}?\b(?:logiciel|outil|application|plateforme|missions?|prestations?|marché) (?:de |d')(?:suivi|contrôle|gestion|audit|assistance|conseil|pilotage)\b[^.;]{0,60}\b(?:clauses?|heures?)\b|\bclauses?\b[^.;]{0,40}\bdans (?:ses|leurs|nos|tous ses) marchés|\b(?:formations?|guides?|modules?|sensibilisation|assistance|amo|étude|sourcing|animation|conseil|accompagnement|appui|évaluer|évaluation|mesure d'impact|généraliser|développer)\b[^.;]{0,80}\bclauses? (?:sociales?|d'insertion)|\bmise en (?:œuvre|oeuvre|place) (?:et (?:au |le )?suivi )?des clauses? (?:sociales?|d'insertion)[^.;]{0,40}\b(?:dans les marchés|des acheteurs|pour le compte)"
    r"|\bfacilitateurs?\b[^.;]{0,30}\b(?:clauses?)\b[^.;]{0,40}\b(?:assistance|mission|prestation)"
    r"|\bclauses? (?:sociales?|d'insertion)\b[^.;]{0,40}\b(?:présentation|réunion|webinaire|débat|séminaire|abordée?s|expliquée?s|évoquée?s)"
)

_SHARE = re.compile(
    r"(\d{1,2}(?:[.,]\d{1,2})?)\s*(?:%|pour ?cent)\s*(?:au (?:moins|minimum) |minimum )?(?:du |des |de la |de l'|de )(?:nombre |volume |total |temps |totalite )?(?:total |totales? |global |d')*(?:des? |d'|du )*(?:heures?|temps|main|effectif|travail|etp|masse salariale)"
)
_SOCIAL = (
    "insertion",
    "social",
    "sociau",
    "loign",
    "rsa",
    "2152",
    "2112",
    "promotion de l",
    "recherche d",
    "en difficult",
    "prioritaire",
    "sous-trait",
    "urs d'emploi",
    "ch\ufffdmeur",
    "chomeur",
    "sans qualif",
    "favoris",
    "l'emploi",
    "intermediaire",
    "siae",
    "d'emploi",
    "sans emploi",
    "handicap",
    "mission locale",
    "en parcours",
    "facilitat",
    "esat",
    "adapt",
    "main de justice",
    "clause",
)


#: Hours of something else than insertion, beside a clause.
_OTHER_HOURS = re.compile(
    r"formation|ouvert|amplitude|delai|astreinte|intervention|24 ?h|7 ?j|par semaine|hebdomadaire|preavis|avant|horaire"
)
_WORTH = re.compile(
    r"clause|crit|consid|condition|exigence|perform|valeur|qualit|march[^.]{0,30} social|embauch|recrut|heure|emplo|confi|reserv"
    r"|sous-trait|affect|mobilis|rsa\b|2152|2112|promotion|\d ?%|point|volet|engage"
)


#: A number of hours of insertion is owed, whatever else is weighed.
_OWED_HOURS = re.compile(r"\d\s*h(?:eures?)? (?:\w+ )?d.insertion")
#: The kinds of clause: nature, pattern, words of which one must stand there (a cheap look), confidence.
_KINDS = (
    (
        "criterion",
        _CRITERION,
        re.compile(
            r"crit|perform|valeur|qualit|not[e\ufffdat]|jug|appr|valu|pond|bar.me|point|pts|%|/ ?\d|pour cent|2152|item|rubrique|volet"
        ),
        0.85,
    ),
    ("execution", _CLAUSE, re.compile(r"\w"), 0.9),
    (
        "execution",
        _DUTY,
        re.compile(
            r"recrut|embauch|emploi|employ|affect|serv|confi|consacr|occup|revien|mobilis|int.{1,2}gr|travailler|d.{1,2}di|accueill"
            r"|taux|quota|part|effort|pourcent|seuil|plancher|volume|nombre|minim|f.{1,2}rent|m.{1,2}moire|bilan|suivi|plan|volet"
            r"|sous-trait|recour|appel|trait|associe|clause|facilitat|social objective|inf.{1,2}rieur|condition|obligatoire|exige|intervention|quipe"
        ),
        0.75,
    ),
    (
        "execution",
        _ACTS,
        re.compile(r"titulaire|attributaire|entrepr|candidat|concession|prestataire|insertion|clause|claus"),
        0.6,
    ),
    (
        "objective",
        _OBJECT,
        re.compile(r"support|par l|par d|par l|via|travers|li.{1,2}|moyen|conomique|march|achat|prestation"),
        0.9,
    ),
)
#: What every candidate declares of its own staff, in every notice.
_DECLARED = re.compile(
    r"obligations? d.emploi (?:des|de) travailleurs|\bl ?\.? ?5212|obligations? (?:fiscales? et sociales?|sociales? et fiscales?)"
)
#: What a sentence without the word insertion speaks of, to be worth the longer patterns.
_ABOUT = re.compile(
    r"(?:clause|consid|crit|condition|perform|valeur|qualit|engag|volet|objecti|marche|exigence|aspect|caract|nature|projet|dimension|mode|politique|obligation|dispos|point|%)[^.;]{0,40}soci(?:al|au)"
    r"|soci(?:al|aux)[^.;]{0,50}(?:\d ?%|\d ?points?|crit|clause|condition|objective|\(|: *(?:oui|non|\d))|social objective|"
    rf"loign|\brsa\b|\br ?\.? ?2152|\bl ?\.? ?2112-? ?2\b|promotion de l.emploi|en (?:grande )?difficult|prioritaire|ch.meu|demandeurs? d.emploi"
    rf"|recherche d.(?:un )?emploi|sans qualif|d.{{1,2}}favoris|sans emploi|priv.{{1,2}}e?s? d.emploi|mission locale|en parcours|facilitat\w+|\besats?\b|entreprises? adapt|secteur (?:adapt|prot)"
    rf"|main de justice|\biae\b|\bs?iaes?\b|\betti\b|interm.{{1,2}}diaire|\bgeiq\b|politique de l.emploi|(?:travailleurs?|personnes?|salari.{{1,2}}s?)[^.;]{{0,30}} handicap|obligation d.emploi de|publics?\b[^.;]{{0,40}}emploi"
    rf"|acc.{{1,2}}s .{{1,2}} l.emploi|retour .{{1,2}} l.emploi|vers l.emploi|clause[^.;]{{0,60}}(?:heures|embauche)|{LOST}loign"
)


def _social_clauses(read: Text, spans: Iterable[tuple[int, int]]) -> list[Finding]:
    """Every statement of these sentences of a social condition, of a social criterion, or of insertion as the object."""
    found: list[Finding] = []
    for start, end in spans:
        sentence = read.plain[start:end]
        if not any(stem in sentence for stem in _SOCIAL) or (
            "insertion" not in sentence
            and (_DECLARED.search(sentence) or not (_ABOUT.search(sentence) and _WORTH.search(sentence)))
        ):
            continue
        passage_of = read.text[start:end]
        passage = passage_of.strip()
        reserved = (
            any(_reserved(sentence, low, high, "", passage_of) for low, high in _clauses(sentence))
            if "serv" in sentence
            else False
        )
        if _unanswered(read, start, end) or _taken_back(read, start, end):
            continue
        parts = list(_clauses(sentence))
        for nature, pattern, hints, sure in _KINDS:
            match = None
            if not hints.search(sentence) or (nature == "criterion" and _OWED_HOURS.search(sentence)):
                continue
            for low, high in parts:
                after = read.after(start, end) if high == len(sentence) else ""
                match = _stated(sentence[low:high], pattern, after, reserved)
                if match:
                    break
            if match is None:
                continue
            what = Clause(
                nature=nature,  # type: ignore[arg-type]
                share=_share(sentence) if nature == "execution" else None,
                origin="text",
                passage=_quote(passage, low + match.start()),
                confidence=sure,
            )
            if nature == "criterion":
                found.append(Finding(what, lots_named(sentence)))
            else:
                found += [
                    Finding(replace(what, hours=number), lots) for number, lots in read.hours(start, end)
                ]
            break
        else:
            found += _taken_up(read, start, end)
    return found


#: Hours that are owed, whatever else may or may not be done.
_DUE = french(
    r"\bne (?:peut|pourra|saurait|devra) être inférieure?|\b(?:bénéficiaires?|publics?|personnes) de la clause\b|\bclauses?\b[^.;]{0,40}\b(?:peut|peuvent|pourra|pourront) être (?:remplie|satisfaite|exécutée|réalisée|honorée|mise en œuvre)s?|\b(?:remplir|satisfaire|honorer|s'acquitter|répondre|atteindre|exécuter|réaliser|mettre en œuvre)\b[^.;]{0,25}\b(?:obligations?|clauses?|engagements?|objectifs?)"
    rf"|\b(?:les|des|ces|ses|aux) \d[\d ]* ?h(?:eures?)? (?:\w+ )?d'{_INSERTION}|\bheures? d'{_INSERTION}\b[^.;]{{0,20}}\b(?:demandée?|exigée?|imposée?|prévue?|due|à réaliser|requise?)s?"
)
#: What structures do by nature, and services bought for people in insertion, are no condition of the contract.
_THEY_EMPLOY = french(
    r"\b(?:structures?|opérateurs?|siae|esats?|entreprises? (?:adaptées?|d'insertion)|associations?|chantiers?|organismes?)\b[^.;]{0,80}\b(?:emploi\w*|employ\w*|accueill\w*|accompagn\w*|encadr\w*)|\b(?:qui|elles?|ils) (?:doivent )?(?:emploient|employer|emploie)\b|\bemployant\b"
)
_SERVED = french(
    r"^\W*(?:\w+\W+){0,7}?\b(?:formations?|accompagnement|ateliers?|bilans?|orientation|hébergement|cours|suivi(?! par)|évaluation|coaching|diagnostic)\b"
)
_BINDING = french(
    rf"\bclauses?\b|\bheures? d'{_INSERTION}|\bcritères?\b|\bconditions? d'exécution|\bpar l'activité|\bsupport|\b(?:taux|quotas?|parts?|efforts?|volumes?|nombre|actions?|minimum) (?:\w+ )?d'{_INSERTION}|^\W*insertion(?: \w+)?\s*:\s*\d"
)
_WHO_HOLDS = french(r"\b(?:titulaire|attributaire|présente?|candidat|entreprise retenue)\b")
#: What a candidate has done before, and what a buyer does in all its contracts, bind no one here.
_RECORD = french(
    r"\bréférences?\b[^.;]{0,60}\b(?:clauses?|heures?)|\b(?:trois|cinq|dix|\d+) dernières années|\b(?:exécut\w*|réalis\w*|obtenu\w*)[^.;]{0,25}\bdepuis \w+ ans\b|\b\brapport (?:annuel|d'activité)|\bfait état\b|\bl'an (?:passé|dernier)\b|\bl'année (?:passée|dernière)\b|\bdéjà (?:exécut|réalis|mis)|qu'il a (?:réalis|effectu)|\b(?:si l'acheteur|si le pouvoir|si la collectivité|s'il y a lieu)\b"
)
_POLICY = french(
    r"\bclauses? sociales? des marchés (?:de|du|des)\b|\bmarchés clausés\b|\b(?:spaser|schéma de promotion|charte|feuille de route|politique d'achats?|stratégie d'achats?)\b[^.;]{0,60}\b(?:promeut|promouvoir|fixe|vise|encourage|développe)|\d+ ?% (?:de|des) (?:ses |leurs |nos )?(?:marchés|achats)|\b(?:ses|leurs|nos|tous les) (?:marchés|achats|chantiers)\b"
)
_THIS = french(
    r"\b(?:présente?|prestataires?|entreprises?|opération|ce marché|ces marchés|ce lot|ce contrat|le contrat|cet accord|titulaire|attributaire|le marché|le lot|la consultation|l'accord-cadre|la concession|du marché)\b"
)
_IF = french(r"\b(?:si|s'il|s'ils|lorsqu'une?|dans le cas où)\b[^.;]{0,60}$")
#: What a breach of the clause costs says that the clause binds.
_BREACH = french(
    r"\b(?:non-? ?respect|manquement|inexécution|inobservation|défaillance|non-? ?réalisation|pénalités?)\b"
)
_NONE = french(r"^(?:0|zéro) ?h")
_PERHAPS = french(
    r"\béventuel|\ble cas échéant\b|\boptionnel|\bà définir\b|\bà l'étude\b|\b(?:0|zéro) heures?\b"
)
_NOW_BINDS = french(r"\b(?:rendue?s?|devenue?s?|désormais|dorénavant|est|sont) obligatoires?\b")
#: In a sentence that reserves the contract, the people whom the structures employ are no clause of their own.
_OUTRIGHT = french(
    rf"\bclauses?\b|\bheures?\b|\b\d+ ?h\b|\bcritères?\b|\bpoints?\b|\bpondér|\bperformance|\bconditions? d'exécution|\bsupport|\bnot(?:é|ation)|\b(?:prestations?|marchés?) d'{_INSERTION}"
)


def _unanswered(read: Text, start: int, end: int) -> bool:
    """Whether a sentence is a question that no "oui" follows."""
    if "?" not in read.plain[start:end][-3:]:
        return False
    return not re.match(
        r"\W*(?:reponse\s*\w*\s*:?\s*)?(?:oui|tout a fait|en effet|\[?x|[☒☑])", read.plain[end : end + 40]
    )


def _taken_up(read: Text, start: int, end: int) -> list[Finding]:
    """The clause of a sentence that takes up that of another contract: "l'ancien en prévoyait 400 ; le nouveau en exige 800"."""
    following = read.spans[read.index(start) + 1 :][:1]
    if not following or "insertion" not in read.plain[start:end]:
        return []
    low, high = following[0]
    asked = _TAKEN_UP.search(read.plain[low:high])
    if asked is None:
        return []
    passage = _quote(read.text[low:high].strip())
    hours = (
        float(asked.group(1).replace(" ", ""))
        if asked.group(1) and "heure" in read.plain[start:end]
        else None
    )
    return [Finding(Clause(nature="execution", hours=hours, origin="text", passage=passage, confidence=0.7))]


_TAKEN_UP = re.compile(
    r"\ben (?:exige|impose|pr.{1,2}voit|comporte|compte|demande|fixe|retient|porte)\w*\s+(?:(\d{1,3}(?: \d{3})+|\d{1,6})|au moins|un minimum)"
)


def _taken_back(read: Text, start: int, end: int) -> bool:
    """Whether a later sentence drops the variant or option of which a sentence speaks."""
    named = re.search(
        r"\b(variante|option|prestation supplementaire)[^.;:]{0,14}?(\d+)", read.plain[start:end]
    )
    if not named:
        return False
    again = re.search(
        rf"\b{named.group(1)}[^.;:]{{0,14}}{named.group(2)}\b([^.;]{{0,90}})", read.plain[end : end + 240]
    )
    return again is not None and _UNDONE_OPTION.search(again.group(1)) is not None


_UNDONE_OPTION = french(
    r"\b(?:(?:pas|non) (?:été )?(?:retenue|levée|affermie)|supprimée?|retirée?|abandonnée?|annulée?)\b"
)
#: What a social criterion may look at and is no insertion.
_NEW_VERB = french(
    r"\bet (?:il |elle )?(?=(?:comporte|prévoit|impose|inclut|intègre|contient|exige|fait|est|sera)\b)"
)
_OTHER_SOCIAL = french(
    r"\b(?:égalité|parité|qualité de vie|bien-être|conditions de travail|dialogue social|mixité|intéressement|salariale|seniors|devoir de vigilance|discrimination)\b"
)
_NO_CRITERION = french(
    r"\b(?:n'(?:est|entre|intervient|constitue)|ne (?:sera|seront|sont|constitue|constituent|fait|donne|rapporte|compte)|ni|sans (?:être|que))\b[^.;]{0,40}\b(?:notée?s?|critères?|notation|jugement|appréciée?s?|pondér\w+|points?)\b"
)


def _stated(
    sentence: str, pattern: re.Pattern[str], after: str, reserved: bool = False
) -> re.Match[str] | None:
    for match in pattern.finditer(sentence):
        before, behind = sentence[: match.start()], sentence[match.end() :]
        before = _NEW_VERB.split(before)[-1] if _NOT.search(before) else before
        window = sentence[max(0, match.start() - 40) : match.end() + 30]
        if _TRAP.search(window) and not _ITSELF.search(window):
            continue
        if _NO_CLAUSE.search(before[-90:] + " ") or _NO_CLAUSE_AFTER.search(behind[:90]):
            continue
        next_lot = re.search(r"[,;]\s*(?:le |les |pour le |pour les )?lots?\b", behind)
        answered = behind[: next_lot.start()] if next_lot else f"{behind} {after}"
        own = _own_box(before, behind)
        if own is False:
            continue
        answers = (own,) if own else (_answer(answered), _answer_far(answered))
        box = re.search(rf"(?:{_EMPTY})\s*[^☒☑☐□\[\]]{{0,60}}$", before)
        if False in answers or box:
            continue
        if french(r"^[\s:=-]*(?:néant|sans objet|aucune?|non prévue?)\b").search(behind):
            continue
        around = sentence[max(0, match.start() - 110) : match.end() + 60]
        if _MAYBE.search(around) and not _DUE.search(around) and not _BREACH.search(around):
            continue
        text = match.group()
        if (reserved or _THEY_EMPLOY.search(sentence)) and not _OUTRIGHT.search(text):
            continue
        if pattern is _CRITERION and (
            _NO_CRITERION.search(sentence)
            or (_OTHER_SOCIAL.search(sentence) and not re.search(r"insertion|eloign|en difficult", sentence))
        ):
            continue
        of_others = _SERVED.search(sentence) or _OTHER_HOURS.search(text + behind[:25])
        if of_others and not _BINDING.search(sentence):
            continue  # hours of a course, of an office: no hours of insertion
        if (
            re.search(r"\d\s*h(?:eures?)?$", text)
            and not _BINDING.search(sentence)
            and told(sentence)[0][0] is None
        ):
            continue  # a number of hours, and not of insertion
        if _RECORD.search(sentence) or (_POLICY.search(sentence) and not _THIS.search(sentence)):
            continue
        if _ELSEWHERE.search(sentence) or _IF.search(before[-70:]):
            continue
        if _NOT.search(text) or _NONE.search(text):
            continue
        if _PERHAPS.search(f"{before[-32:]} {text} {behind[:32]}") and not _NOW_BINDS.search(sentence):
            continue
        if _LAW.search(sentence) and not _WHO_HOLDS.search(sentence):
            continue
        if _FREELY.search(sentence) and not (_DUE.search(sentence) or _NOW_BINDS.search(sentence)):
            continue
        if _TEACHING.search(sentence) or _PAST.search(before[-70:]):
            continue
        return match
    return None


def _share(sentence: str) -> float | None:
    found = _SHARE.search(sentence)
    return float(found.group(1).replace(",", ".")) / 100 if found else None


# ------------------------------------------------------------------------------------------ conditions

#: The qualifications that notices ask for: label -> (stems, one of which must stand there, and the pattern).
QUALIFICATIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "Certiphyto": (("certiphyto",), r"\bcertiphyto"),
    "Certibiocide": (("certibiocide",), r"\bcertibiocide"),
    "RABC": (("rabc", "14065"), r"\brabc\b|\bnf en 14065\b"),
    "Qualibat": (("qualibat",), r"\bqualibat"),
    "Qualifelec": (("qualifelec",), r"\bqualifelec"),
    "Qualipaysage": (("qualipaysage",), r"\bqualipaysage"),
    "Qualiopi": (("qualiopi",), r"\bqualiopi\b"),
    "APSAD": (("apsad",), r"\bapsad\b"),
    "CACES": (("caces",), r"\bcaces\b"),
    "RGE": ((" rge", "(rge"), r"\brge\b"),
    "MASE": (("mase",), r"\bmase\b"),
    "HACCP": (("haccp",), r"\bhaccp\b"),
    "CNAPS": (("cnaps", "612"), r"\bcnaps\b|\bautorisation d'exercer[^.]{0,40}l\.? ?612"),
    "AIPR": (("aipr",), r"\baipr\b"),
    "Amiante sous-section 3": (("sous-section 3", "ss3"), r"\bsous-section 3\b|\bss3\b"),
    "Amiante sous-section 4": (("sous-section 4", "ss4"), r"\bsous-section 4\b|\bss4\b"),
    "Habilitation électrique": (("habilitation",), r"\bhabilitations? électriques?\b"),
    "OPQIBI": (("opqibi",), r"\bopqibi\b"),
    "SSIAP": (("ssiap",), r"\bssiap\b"),
    "ISO 9001": (("9001",), r"\biso ?9001\b"),
    "ISO 14001": (("14001",), r"\biso ?14001\b"),
    "Écolabel": (("label",), r"\béco-?labels?\b"),
    "Agrément services à la personne": (
        ("agrement", f"agr{LOST}ment"),
        r"\bagréments?\b[^.;]{0,40}services? à la personne",
    ),
}
_VISIT = french(
    r"\bvisites?(?! médicale)(?: [^.;]{0,70}?)?\b(?:est |sont |sera |seront |revêt un caractère )?(?:rendue?s? |fortement )?(?:obligatoires?|impératives?|exigées?|imposées?)|\bvisites?[^.;]{0,30}\bsous peine (?:de|d')|\b(?:obligation de|doivent|devront|doit|devra)(?: \w+){0,5} (?:visiter|une visite|la visite|se rendre sur)|\b(?:attestation|certificat|bon) de visite\b[^.;]{0,60}\b(?:obligatoire|sous peine|exigée?|à joindre|devra|doit)"
)
_NO_VISIT = french(
    r"\b(?:n'est|ne sont|n'est ni) (?:pas|plus|ni|aucunement)\b|\bfacultatives?\b|\bnon obligatoires?\b|\bpas obligatoires?\b|\baucune visite\b|\bmais pas\b|\bconseillées?\b|\brecommandées?\b"
)
_JOINT = french(
    r"\bgroupements?\b[^.;]{0,160}?\b(conjoints?(?: avec (?:un )?mandataire solidaire)?|solidaires?)\b"
)
_IMPOSED = french(
    r"\b(?:impos|exig|obligatoire|contraint|devra|devront|doit|doivent|sera tenu|assurer sa transformation|prendre la forme|prendra la forme|forme (?:souhaitée|juridique|que devra)|transform)"
)
_FREE = french(
    r"\b(?:aucune forme|n'impose (?:pas|aucune)|ne (?:souhaite )?impose(?:r)? (?:pas|aucune)|n'est pas impos|pas de forme|libre(?:ment)?|au choix|ou (?:conjoint|solidaire)|conjoints? ou solidaires?|solidaires? ou conjoints?|ne sera exig|n'est exig|n'est impos)"
)
_SEVERAL = french(
    r"\b(?:interdi(?:t|te|ts|re|ction)|ne (?:peut|peuvent|pourra|pourront|sera|seront|doit|doivent)\b[^.;]{0,40}\b(?:pas)?|pas autoris|n'est pas (?:autoris|admis|possible)|non autoris)[^.;]{0,170}\b(?:plusieurs (?:offres|candidatures)\b[^.;]{0,80}(?:en agissant|à la fois|membres?|groupements?)|(?:membres?|qualité de membre)[^.;]{0,25} (?:de|d'un) (?:plusieurs|un ou plusieurs|plus d'un) groupements?|plus d'un groupement|plusieurs groupements)"
    r"|\bplusieurs (?:offres|candidatures)\b[^.;]{0,140}\b(?:interdi|pas autoris|n'est pas|non autoris|irrecevable|r\.? ?2142-? ?21|r\.? ?2151-? ?7)"
)
_YEARLY = re.compile(
    r"\b(?:montant|maximum|maximal|minimum|estim\w*|valeur|plafond|seuil)\b[^.;\d]{0,60}?(\d{1,3}(?:[ .\u202f]\d{3})+|\d{4,9})(?:[.,]\d{1,2})?\s*(?:€|euros?|eur\b)(?:\s*(?:hors taxes?|ht|ttc|h\.t\.?))?([^.;\d]{0,30})"
)
_DURATION = french(
    r"\bdurée(?: \w+){0,6}? (?:est (?:fixée à|de)|de|:|fixée à) ?(\d{1,3})(?: \([\w-]+\))? (mois|ans?|années?|jours?)\b"
)


_ACTING = (
    "visit",
    "groupement",
    "plusieurs offres",
    "plusieurs candidatures",
    "variante",
    *tuple(stem for stems, _ in QUALIFICATIONS.values() for stem in stems),
)


def _conditions(read: Text) -> list[Finding]:
    """What one must know to act: a compulsory visit, qualifications, the form of the group, groups forbidden."""
    found: list[Finding] = []
    for start, end in read.holding(_ACTING):
        sentence = read.plain[start:end]
        passage = read.text[start:end].strip()
        lots = lots_named(sentence)

        def add(
            code: str, label: str, passage: str = passage, lots: frozenset[str] = lots, at: int = 0
        ) -> None:
            found.append(Finding(Condition(code=code, label=label, passage=_quote(passage, at)), lots))

        if "visite" in sentence or "visiter" in sentence:
            visit = _VISIT.search(sentence)
            if visit and not _NO_VISIT.search(sentence) and _answer(sentence[visit.end() :]) is not False:
                add("visit", "Visite obligatoire", at=visit.start())
        for label, (stems, pattern) in QUALIFICATIONS.items():
            named = french(pattern).search(sentence) if any(stem in sentence for stem in stems) else None
            if named and not french(
                r"\b(?:pas|non) (?:exigée?s?|obligatoires?|requise?s?|demandée?s?)\b"
            ).search(sentence):
                add("sans qualif", label, at=named.start())
        if "groupement" in sentence or "offres" in sentence or "candidatures" in sentence:
            several = _SEVERAL.search(sentence)
            if several:
                add("several-groups", "Interdit d'être dans plusieurs groupements", at=several.start())
            joint = _JOINT.search(sentence)
            if joint and _IMPOSED.search(sentence) and not _FREE.search(sentence):
                form = "solidaire" if joint.group(1).startswith("solidaire") else "conjoint"
                if "mandataire" in joint.group(1):
                    form = "conjoint avec mandataire solidaire"
                add("group-form", f"Groupement {form}", at=joint.start())
        if (
            "variante" in sentence
            and french(r"\bvariantes?\b[^.;]{0,40}\b(?:autorisée?s|admises?|acceptée?s|exigée?s)\b").search(
                sentence
            )
            and not french(r"\b(?:ne|non|pas|aucune|ni)\b|n'").search(sentence)
        ):
            add("variants", "Variantes admises")
    return found


def amount(text: str) -> tuple[float, str] | None:
    """(euros, "year" or "total") where a text states one maximum, estimate or value, and one only; else None."""
    stated: dict[float, str] = {}
    plain = folded(text)
    if "€" not in plain and "eur" not in plain:
        return None
    for found in _YEARLY.finditer(plain):
        value = float(re.sub(r"\D", "", found.group(1)))
        around = plain[max(0, found.start() - 30) : found.end()]
        if (
            "minimum" in found.group(0)[:60]
            or "avance" in around
            or "garantie" in around
            or "penalit" in around
        ):
            continue
        yearly = re.search(r"\bannuel|\bpar an\b|/ ?an\b|\ban(?:nee)?\b", around) is not None
        stated[value] = "year" if yearly else "total"
    if len(stated) != 1:
        return None
    return next(iter(stated.items()))


def duration(text: str) -> float | None:
    """The months of the contract where a text states one duration, and one only; else None."""
    found = set()
    plain = folded(text)
    if "dur" not in plain:
        return None
    for number, unit in _DURATION.findall(plain):
        factor = {"m": 1.0, "a": 12.0, "j": 12 / 365.2425}[unit[0]]
        found.add(round(int(number) * factor, 2))
    return found.pop() if len(found) == 1 else None


# --------------------------------------------------------------------------------------------- support

_SUPPORT = [
    french(
        r"\b(?:ayant|avec|prenant|a|ont|utilisant) (?:pour|comme) (?:activités? |prestations? |principale? )?supports?(?: d'(?:activité|insertion))?(?: techniques?| principal| principale)?\s*[:,]?\s*"
    ),
    french(r"\b(?:comme|en) (?:prestations?|activités?|travaux) supports?\s*[:,]?\s*"),
    french(r"\b(?:activités?|prestations?|travaux) supports?(?: d'insertion)?\s*(?::|est|sont)\s*"),
    french(r"\bdont (?:le|l'activité) support est\s*"),
    french(r"(?:^|[\s(.;-])supports?(?: d'insertion| de l'insertion| technique)?\s*:\s*"),
    french(r"\bservant de supports? à[^.;]{0,60}\s*:\s*"),
]
_THROUGH = french(
    r"\b(?:ré)?insertion\b[^.;]{0,140}?\b(?:par le biais d(?:e|'|es)|par l'exécution de|par l'intermédiaire d(?:e|'|es)|par (?=l'|la |le |les |des )|via|à travers|au travers d(?:e|'|es|u)|au moyen d(?:e|'|es|u)|liée?s? (?:à|aux?))\s*"
)
_ACTIVITY = french(
    r"insertion par l'activité|par l'activité économique|(?:par|à travers|au travers) (?:l'|le |la |les |des )?(?:emploi|travail|formation|économique|sport|culture)\b"
)
_LEADING = french(
    r"^(?:(?:l'|le |la |les |des |d'|de |du |un |une )?(?:activités?|réalisation|exécution|prestations?|travaux|services?|missions?|diverses?|différentes?|tâches?)(?: supports?)? (?:de |d'|du |des |en |suivante?s? ?:? ?)+)+|^(?:l'|le |la |les |des |d'|de |du |un |une |diverses? |différentes? )+"
)
_STOP = re.compile(
    r"\s*(?:[.;|\n]|\s[-–—]{1,2}\s|\(\s*lot\b|,?\s+(?:pour le compte|sur le territoire|au profit|dans le cadre|a destination|et destinee?s?|en application|conformement)\b)"
)


def support_trade(text: str) -> str | None:
    """The trade of an insertion contract: what follows "ayant pour support"; None where no support is told."""
    plain = folded(text)
    if "support" not in plain and "insertion" not in plain:
        return None
    if (
        "insertion" not in plain
        and "chantier" not in plain
        and "qualification" not in plain
        and "emploi" not in plain
        and not french(r"(?:pour|comme) (?:activité |prestation )?support").search(plain)
    ):
        return None
    starts = [m.end() for pattern in _SUPPORT for m in [pattern.search(plain)] if m]
    if not starts:
        through = _THROUGH.search(plain)
        if through and not _ACTIVITY.search(plain[through.start() : through.end() + 30]):
            starts = [through.end()]
    for start in sorted(starts)[:1]:
        stop = _STOP.search(plain, start + 3)
        end = min(stop.start() if stop else len(text), start + 240)
        trade = text[start:end].strip(" :,-–—«»\"'()")
        lead = _LEADING.match(folded(trade))
        rest = trade[lead.end() :].strip() if lead else trade
        if re.search(r"[^\W\d_]{3}", rest or trade):
            return rest if len(rest) > 3 else trade
    return None


# ----------------------------------------------------------------------------------------- the tender


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a text states, most certain first."""

    reservations: tuple[Finding, ...] = ()
    clauses: tuple[Finding, ...] = ()
    conditions: tuple[Finding, ...] = ()

    @property
    def reservation(self) -> Reservation | None:
        """The statements of reservation made one: the surest passage, every article stated."""
        found = [one.what for one in self.reservations if isinstance(one.what, Reservation)]
        return _merged(found)

    @property
    def social(self) -> tuple[Clause, ...]:
        return tuple(one.what for one in self.clauses if isinstance(one.what, Clause))

    @property
    def hours(self) -> float | None:
        """The hours of insertion stated for the whole, else the sum of those of its lots, None where none are."""
        for_all = [
            one.what.hours
            for one in self.clauses
            if isinstance(one.what, Clause) and one.what.hours and not one.lots
        ]
        by_lot = {
            one.lots: one.what.hours
            for one in self.clauses
            if isinstance(one.what, Clause) and one.what.hours and one.lots
        }
        if for_all:
            return for_all[0]
        silent = {
            lot
            for one in self.clauses
            if isinstance(one.what, Clause) and one.what.nature != "criterion" and one.what.hours is None
            for lot in one.lots
        }.difference(*by_lot)
        return sum(by_lot.values()) if by_lot and not silent else None


@lru_cache(maxsize=1024)
def read(text: str) -> Reading:
    """What a French text states of reservations, social clauses and conditions."""
    given = Text(text)
    model = shipped()
    found: dict[str, list[Finding]] = {label: [] for label in LABELS}
    for spans in _windows(given):
        scores = _scores(given.text[spans[0][0] : spans[-1][1]])
        for label, score in zip(LABELS, scores, strict=True):
            found[label] += _judged(given, spans, label, score, model.verdicts[label])
    return Reading(tuple(found["reserved"]), tuple(found["social"]), tuple(_conditions(given)))


@lru_cache(maxsize=4096)
def _scores(passage: str) -> tuple[float, ...]:
    """What the shipped model says of a passage; notices repeat themselves and one another."""
    return tuple(shipped().scores(passage).tolist())


def by_grammar(text: str) -> tuple[list[Finding], list[Finding]]:
    """The reservations and social clauses that the grammar alone finds: what the model learns to weigh."""
    given = Text(text)
    return _reservations(given, given.spans), _social_clauses(given, given.spans)


#: Stems of which one must stand in a sentence that is worth the model.
_TRIGGERS = (
    "reserv", f"{LOST}serv", "2113-1", "2113- 1", "2113 -1", "5132-4", "5213-13", "344-2", "2112-2", "2152-7", "insertion", "inclusi", "esat", "siae", " iae", "'iae", "(iae", "/iae",
    "handicap", "par le travail", "entreprise adapt", "entreprises adapt", "secteur adapt", "travail adapt", "et adapt", "ou adapt", "ni adapt", "protege", f"prot{LOST}g", "regie de q", "regies de q",
    "solidaire", " ess ", " ess,", " ess.", " ess)", "'ess ", "'ess,", "'ess.", "esus", "geiq", " etti", " ei ", " ei,", "(ei", " ea ", " ea,", " ea.", "(ea)", "(ea ", "/ea", " ea/", " aci ", " aci,", " aci.", " ai,", " ai ", "nitenti", "detenus",
    "detenues", "detention", "main de justice", "social", "sociau", "socio", "loign", " rsa", "chomeu", "chomage", f"ch{LOST}m", "l'emploi", "d'emploi", f"l{LOST}emploi", f"d{LOST}emploi", "emplois", "sans emploi", "un emploi",
    "cap emploi", "en difficult", "grande difficult", "defavoris", f"d{LOST}favoris", "sans qualif", "sans dipl", "sans travail", "mission locale", "parcours", "facilitat", " clause)",
    "prioritaire", "intermediaire", f"interm{LOST}diaire", "apprenti", "professionnalisation", "embauch", "recrut", "chantier d'", "chantiers d'", f"chantier d{LOST}", "chantier ecole",
    "claus", " plie", "contrat aide", "contrats aides", "qu'adapt",
)  # fmt: skip
_HELD = r"\bse réserve|\bs'est réserv|\b(?:sous|sans|avec|des|les) réserves?\b|réservoir|préserv|levées? (?:de |des )?réserves|réservation (?:hôtel|d'h|de (?:titres|salle|v))"
#: By stem, the turns of every notice around it that say nothing.
_COMMONPLACE = {
    stem: french(turns)
    for stem, turns in {
        "reserv": _HELD,
        f"{LOST}serv": _HELD,
        "detention": r"détention (?:provisoire|par)|concession",
        "et adapt": r"et adapt(?:er|ation)",
        "2113-1": r"2113-1[01]\b",
        "2112-2": r"2112-2\d",
        "handicap": r"obligations? d'emploi|emploi (?:des|de) (?:travailleurs|personnes)[^.;]{0,25}handicap|5212",
        "protege": r"(?:données?|secrets?)\b[^.;]{0,12} protég|protéger|protège-",
        "solidaire": r"caution|(?:groupements?|mandataires?|conjoints?|membres?|entrepreneurs?|entreprises?|cotraitants?)\b[^.;]{0,30} solidaire|solidaires? (?:du|ou|de|des|pour|avec)\b|solidairement",
        "social": r"(?:siège|capital|captal|objet|exercice) social|(?:raison|dénomination|forme|part|sécurité|réduction|cotisation|protection|couverture)s? (?:\w+ )?sociale|fiscale?s?,? (?:et |ou )?sociale|sociales? et fiscale|habitat social|logements? social|organismes? sociaux",
        "sociau": r"(?:réseaux|locaux|bailleurs?|logements?|organismes|fiscaux et|risques) sociaux|sociaux et fiscaux",
        "l'emploi": r"(?:industrie|économie|ministère|solidarités?|travail,?)[^.;]{0,25} l'emploi|pôle emploi",
        "d'emploi": r"obligations? d'emploi (?:des|de)\b|d'emploi (?:service|universel)|(?:mode|contrainte|condition)s? d'emploi",
        "parcours": r"temps de parcours|parcours (?:de (?:visite|soins|santé|golf|cross|liaison)|client|sportif|usager|acrobat)",
        "claus": r"clauses? (?:et (?:cond|cond)|de|du|d'(?!in|em|ex)|technique|administrative|particulière|contractuelle|générale|obligatoire|spéc|ci|fin|environnementales?(?! et)|pénale|résolutoire|limitative|simplifi|abusive|juridi|réciproq|biens|commun|incitat|tarif)|clausier",
        " plie": r"plier",
        "intermediaire": r"assurance|intermédiaires? (?:d'|financ|et final)|phase|niveau|réunion",
        "prioritaire": r"(?:risque|rénovation|véhicule|accès|voie)[^.;]{0,20} prioritaire",
        "recrut": r"cabinet|conseil en recrut",
    }.items()
}


def windows(text: str) -> list[str]:
    """The passages of a text that may speak of reservations or of insertion, as the model reads them."""
    return [text[spans[0][0] : spans[-1][1]] for spans in _windows(Text(text))]


def _windows(read: Text) -> Iterator[list[tuple[int, int]]]:
    """Runs of neighbouring sentences that may speak of reservations or of insertion; a short text whole."""
    worth = list(read.holding(_TRIGGERS, _COMMONPLACE))
    if not worth:
        return
    if len(read.text) <= SHORT and len(read.spans) <= MOST:
        yield read.spans
        return
    run: list[tuple[int, int]] = []
    last = -2
    for span in worth:
        at = read.index(span[0])
        if run and (at != last + 1 or len(run) >= MOST or span[1] - run[0][0] > SHORT):
            yield run
            run = []
        run.append(span)
        last = at
    yield run


#: A window's sentences and characters at most: those of the passages that the model learnt from.
MOST, SHORT = 5, 700


def _judged(
    read: Text, spans: list[tuple[int, int]], label: str, score: float, verdict: Verdict
) -> list[Finding]:
    """What a window states of one label, by the model and the grammar weighed together."""
    if not verdict.told(score, stated=True):
        return []  # whatever the grammar would say
    stated = (_reservations if label == "reserved" else _social_clauses)(read, spans)
    if not verdict.told(score, stated=bool(stated)):
        return []
    chance = round(verdict.chance(score, bool(stated)), 3)
    if stated:
        return [one.with_confidence(chance) for one in stated]
    return _located(read, spans, label, chance)


def _located(read: Text, spans: list[tuple[int, int]], label: str, chance: float) -> list[Finding]:
    """What the model alone finds in a window: at the sentence that weighs most, for the lots it names."""
    column = LABELS.index(label)

    def weight(part: str) -> float:
        return _scores(part)[column]

    start, end = (
        max(spans, key=lambda span: weight(read.text[span[0] : span[1]])) if len(spans) > 1 else spans[0]
    )
    passage = read.text[start:end].strip()
    lots = lots_named(read.plain[start:end])
    if label == "reserved":
        if len(lots) > 1:
            parts = [read.plain[a:b] for a, b in _by_lot(read.plain, start, end)]
            lots = lots_named(max(parts, key=weight)) or lots
        what = Reservation(
            articles=articles(passage) or _articles_near(read, start, end),
            origin="text",
            passage=_quote(passage),
            confidence=chance,
        )
        return [Finding(what, lots)]
    plain = read.plain[start:end]
    judged = _JUDGED.search(plain) is not None and _OWED_HOURS.search(plain) is None
    clause = Clause(
        nature="criterion" if judged else "execution",
        share=None if judged else _share(plain),
        origin="text",
        passage=_quote(passage),
        confidence=chance,
    )
    if judged:
        return [Finding(clause, lots)]
    return [Finding(replace(clause, hours=number), named) for number, named in read.hours(start, end)]


_JUDGED = french(
    r"\b(?:sous-)?critères?\b|\bnot(?:e|és?|ées?|ation)\b|\bpondér\w+|\bjug(?:é|ement)\w*|\d ?(?:points?|pts)\b"
)


def _by_lot(plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a sentence, each from one "lot" to the next."""
    cuts = [start, *(start + found.start() for found in re.finditer(r"\blots?\b", plain[start:end])), end]
    yield from ((a, b) for a, b in itertools.pairwise(cuts) if b > a)


def _merged(found: list[Reservation]) -> Reservation | None:
    if not found:
        return None
    best = max(found, key=lambda one: (one.confidence, bool(one.articles)))
    stated = tuple(sorted({article for one in found for article in one.articles}))
    return replace(best, articles=stated)


def complete(tender: Tender, general: str = "", by_lot: Mapping[str, str] | None = None) -> Tender:
    """The tender with what its texts state, lot by lot, added to what its fields state.

    `general` is the text of the whole notice, `by_lot` that of each lot by its id.  A statement of the whole
    holds for every lot, or for those it names.  Where the notice's field reserves the whole but its texts
    reserve some lots by name, those alone are reserved.
    """
    whole = read("\n".join(filter(None, (tender.title, general))))
    texts = by_lot or {}
    own = {
        lot.id: read(texts[lot.id] if lot.id in texts else "\n".join((lot.title, lot.description)))
        for lot in tender.lots
    }
    lots = tuple(
        _completed(
            lot,
            own[lot.id],
            whole,
            texts.get(lot.id, lot.description),
            general if len(tender.lots) == 1 else "",
        )
        for lot in tender.lots
    )
    by_text = [
        bool(_of(lot, own[lot.id].reservations, whole.reservations, named_only=True)) for lot in tender.lots
    ]
    if any(by_text) and not all(by_text) and len({lot.reservation for lot in tender.lots}) == 1:
        for_all = _of(tender.lots[0], (), tuple(one for one in whole.reservations if not one.lots))
        if not for_all:
            lots = tuple(
                lot if named else replace(lot, reservation=None)
                for lot, named in zip(lots, by_text, strict=True)
            )
    return replace(tender, lots=lots)


_SOME = french(
    r"\b(?:certains|plusieurs|une partie des|quelques|\d+ (?:des |lots? (?:sur|parmi))|un des|l'un des|parmi) ?(?:les |des )?lots?\b|\blots? réservés?\b[^.]{0,30}\bet\b"
)


def _of(
    lot: Lot, own: Iterable[Finding], whole: Iterable[Finding], named_only: bool = False
) -> list[Finding]:
    """The findings that hold for a lot: its own, and those of the whole that name it or name none."""
    number = re.sub(r"^(?:lot|n°)?\s*0*(?=\w)", "", lot.number.strip().lower())
    kept = [one for one in own if one.holds_for(number)]
    for one in whole:
        if number in one.but:
            continue
        if number in one.lots or (
            not one.lots and not named_only and not _SOME.search(folded(one.what.passage))
        ):
            kept.append(one)
    return kept


def _completed(lot: Lot, own: Reading, whole: Reading, text: str, general: str) -> Lot:
    stated = [
        f.what for f in _of(lot, own.reservations, whole.reservations) if isinstance(f.what, Reservation)
    ]
    told = _merged(stated)
    if lot.reservation is not None and told is not None:
        # the field says that it is reserved, the text says under which article
        reservation = replace(
            lot.reservation,
            articles=tuple(sorted({*lot.reservation.articles, *told.articles})),
            passage=f"{lot.reservation.passage} — {told.passage}"
            if lot.reservation.passage
            else told.passage,
        )
    else:
        reservation = lot.reservation or told  # type: ignore[assignment]
    clauses = [
        *lot.clauses,
        *(f.what for f in _of(lot, own.clauses, whole.clauses) if isinstance(f.what, Clause)),
    ]
    known = [f.what for f in _of(lot, own.conditions, whole.conditions) if isinstance(f.what, Condition)]
    stated_codes = {c.code for c in lot.conditions if c.code in ("variants", "framework")}
    conditions = [*lot.conditions, *(c for c in known if c.code not in stated_codes)]
    value, period, months = lot.amount, lot.amount_period, lot.duration_months
    text = f"{text}\n{general}" if general else text
    said = amount(text)
    if said and (value is None or value == said[0]):
        value, period = said[0], said[1]  # type: ignore[assignment]
    if months is None:
        months = duration(text)
    return replace(
        lot,
        reservation=reservation,
        clauses=_distinct_clauses(clauses),
        conditions=tuple({(c.code, c.label): c for c in reversed(conditions)}.values())[::-1],
        amount=value,
        amount_period=period,
        duration_months=months,
    )


def _distinct_clauses(found: list[Clause]) -> tuple[Clause, ...]:
    """One clause of each nature and origin, the one that tells the hours first."""
    best: dict[tuple[str, str], Clause] = {}
    for one in found:
        key = (one.nature, one.origin if one.nature != "objective" else one.origin + one.passage)
        kept = best.get(key)
        if kept is None:
            best[key] = one
        elif (one.hours is not None) > (kept.hours is not None) or (one.share is not None) > (
            kept.share is not None and True
        ):
            best[key] = replace(one, share=one.share or kept.share, hours=one.hours or kept.hours)
    return tuple(best.values())
