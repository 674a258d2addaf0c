"""Prints what each rule is for."""

from services.counters.model.machine import Rule
from services.counters.model.search import search, without


def main() -> None:
    """All rules, then each one taken out."""
    whole = search()
    print(f"all rules: {'nothing breaks' if whole.history is None else whole.history} ({whole.states} states)")
    for rule in Rule:
        found = without(rule)
        print(f"\nwithout rule {rule.value} ({found.states} states)")
        for number, line in enumerate(found.history or ("nothing breaks",), start=1):
            print(f"  {number}. {line}")


if __name__ == "__main__":
    main()
