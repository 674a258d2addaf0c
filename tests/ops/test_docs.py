"""What the documents tell a reader to type exists: commands with their options, targets, settings and files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from local.paths import CHECKOUT
from ops.cli import app

DOCUMENTS = tuple(
    sorted(
        path.relative_to(CHECKOUT)
        for pattern in ("*.md", "docs/*.md", "docs/adr/*.md", "services/**/*.md", "edge/**/*.md")
        for path in CHECKOUT.glob(pattern)
        if path.name != "CHANGELOG.md"
    )
)
_CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"^(?:docs|stacks|regions|services|edge|policies|tests|local|ops|bench)/[\w./-]+$")
_ENDS = frozenset({"|", "||", "&&", ";", ">", ">>", "#"})


def typed(text: str) -> Iterator[str]:
    """Every line in a block of code, and every piece of code in a sentence."""
    for block, inline in _CODE.findall(text):
        yield from block.splitlines() if block else (inline,)


def calls(line: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of ``program`` in a line that a shell would read."""
    try:
        words = shlex.split(line.replace("$(", " ; ").replace(")", " ; "), comments=True)
    except ValueError:
        return
    for place, word in enumerate(words):
        if word.rsplit("/", 1)[-1] == program and (place == 0 or words[place - 1] in _ENDS or "=" in words[place - 1]):
            arguments = words[place + 1 :]
            end = next((n for n, argument in enumerate(arguments) if argument in _ENDS), len(arguments))
            yield arguments[:end]


def problem(arguments: list[str]) -> str | None:
    """Why ``meridian`` would not understand these arguments; their values are not judged."""
    command = typer.main.get_command(app)
    for argument in arguments:
        if isinstance(command, TyperGroup) and not argument.startswith("-"):
            found = command.commands.get(argument)
            if found is None:
                return None if argument.isupper() else f"there is no command {argument}"
            command = found
        elif argument.startswith("-"):
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            if argument.split("=")[0] not in known | {"--help", "-h"}:
                return f"{command.name} has no option {argument}"
    return None


def targets() -> frozenset[str]:
    """What `make` knows."""
    return frozenset(re.findall(r"^([a-z][\w-]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_command_in_a_document_exists(document: Path) -> None:
    lines = tuple(typed((CHECKOUT / document).read_text()))
    wrong = [
        f"{line}: {found}"
        for line in lines
        for arguments in calls(line, "meridian")
        if (found := problem(arguments)) is not None
    ]
    made = targets()
    wrong += [
        f"{line}: no target {word}"
        for line in lines
        for arguments in calls(line, "make")
        for word in arguments
        if "=" not in word and not word.startswith("-") and not word.isupper() and word not in made
    ]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    named = {line.rstrip("/") for line in typed((CHECKOUT / document).read_text()) if _PATH.match(line)}
    missing = sorted(
        name
        for name in named
        if not any((CHECKOUT / f"{name}{ending}").exists() for ending in ("", ".py")) and "<" not in name
    )
    assert missing == []


def test_the_check_sees_a_command_an_option_and_a_target_that_do_not_exist() -> None:
    assert problem(["fly"]) == "there is no command fly"
    assert problem(["region", "lose", "mumbai", "--now"]) == "lose has no option --now"
    assert problem(["region", "lose", "mumbai", "--yes"]) is None
    assert list(calls('eval "$(.venv/bin/meridian env)"', "meridian")) == []
    assert list(calls("CELLS=all meridian up  # all of them", "meridian")) == [["up"]]
    assert list(calls("meridian capacity --json | jq .", "meridian")) == [["capacity", "--json"]]
    assert "test" in targets()
    assert "tset" not in targets()
