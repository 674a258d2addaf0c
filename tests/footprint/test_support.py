"""The page about the emulators says what the code says."""

from pathlib import Path

from local.aws.ledger import Count
from tests.footprint import support


def test_the_page_is_what_the_lists_and_the_last_runs_say() -> None:
    written = support.PAGE.read_text()
    assert written == support.rendered(support.runs()), "write it anew by `python -m tests.footprint.support`"


def test_a_run_is_kept_beside_those_of_other_emulators(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    support.record("moto", [Count("aws:sqs/queue:Queue", 2, 1)], file)
    support.record("ministack", [Count("aws:kms/key:Key", 3, 0)], file)
    support.record("moto", [Count("aws:sqs/queue:Queue", 5, 0)], file)
    known = support.runs(file)
    assert (known["moto"].live, known["moto"].recorded) == (5, 0)
    assert known["ministack"].types == {"aws:kms/key:Key": (3, 0)}
    page = support.rendered(known)
    assert "| moto | 5 | 0 |" in page
    assert "| localstack | not run | not run |" in page
