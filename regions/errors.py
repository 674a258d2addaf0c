"""The one error that wrong facts raise. Owns no facts."""


class CatalogueError(ValueError):
    """A fact in ``regions/`` contradicts another, or does not exist.

    The message names the fact, the cause and the remedy.
    """
