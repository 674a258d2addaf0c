"""A model of exact counting, small enough to be searched: which rule is needed, and the history that breaks without it."""

from services.counters.model import records, seats, topics
from services.counters.model.small import Searchable

MACHINES: tuple[Searchable, ...] = (seats.MACHINE, topics.MACHINE, *records.RECORDS)
"""The small machines; the large one, of marks, is ``machine``."""
