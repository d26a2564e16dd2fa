"""Conditions stated in the text of a French notice: reservations, social clauses and criteria, visits, groups.

Fields come first; words are read in sentences by one learnt classifier (`learned.clauses`) and a short grammar of what must
be exact (`grammar`, `hours`, `conditions`).  `reading` makes them what a text states, `completion` adds it to a tender.
"""

from matcher.reading.clauses.completion import complete
from matcher.reading.clauses.grammar import articles, who
from matcher.reading.clauses.reading import Reading, read
from matcher.reading.clauses.sentences import Finding
from matcher.reference.prose import support_trade

__all__ = ["Finding", "Reading", "articles", "complete", "read", "support_trade", "who"]
