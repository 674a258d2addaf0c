"""The one error that wrong facts raise, and its form. Owns no facts."""


class CatalogueError(ValueError):
    """A fact in ``regions/`` contradicts another, or does not exist.

    The message names the fact, the cause and the remedy.
    """


def refusal(file: str, law: str, message: str) -> str:
    """The text of an error: the file of the fact, what is wrong with which key and how to mend it, and the code of the law
    (``policies/rules``) that says so of what is declared. It speaks here, because nothing runs with such a fact."""
    return f"{file}: {message} ({law})"
