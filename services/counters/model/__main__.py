"""Prints what each rule is for."""

from services.counters.model import MACHINES, small
from services.counters.model.machine import Rule
from services.counters.model.search import search, without


def main() -> None:
    """All rules, then each one taken out."""
    whole = search()
    _tell("all rules of marks", whole.history, whole.states)
    for rule in Rule:
        found = without(rule)
        _tell(f"without rule {rule.value}", found.history, found.states)
    for machine in MACHINES:
        _small(machine)


def _small(machine: small.Searchable) -> None:
    every = machine.search()
    _tell(f"all rules of {machine.name}", every.history, every.states)
    for name, sentence in machine.rules.items():
        found = machine.search(name)
        _tell(f"without rule {sentence}", found.history, found.states)


def _tell(title: str, history: tuple[str, ...] | None, states: int) -> None:
    print(f"\n{title} ({states} states)")
    for number, line in enumerate(history or ("nothing breaks",), start=1):
        print(f"  {number}. {line}")


if __name__ == "__main__":
    main()
