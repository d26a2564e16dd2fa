"""Conditions stated in the text of a French notice: sentences are classified (`learned.clauses`), what must be exact is parsed."""

from matcher.reading.clauses.completion import complete
from matcher.reading.clauses.grammar import articles, who
from matcher.reading.clauses.reading import Reading, read

__all__ = ["Reading", "articles", "complete", "read", "who"]
