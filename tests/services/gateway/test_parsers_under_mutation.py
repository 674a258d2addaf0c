"""What the fuzzer checks, on the hostile cases and a few thousand mutations of them. The fuzzer itself: `make fuzz`."""

import random

import pytest

from tests.fuzz.__main__ import KEPT, report
from tests.fuzz.heads import one_input
from tests.services.gateway.corpus import CASES, GET, POST, H

SEEDS = (
    *(data for data, _ in CASES.values()),
    GET + H + b"Connection: close, X-A\r\nX-A: b\r\n\r\n",
    GET + H + b"Authorization: Bearer a\r\ntraceparent: 00-0a-0b-01\r\nX-Request-ID: 1\r\n\r\n",
    GET + H + b"Authorization: a\r\ntraceparent: b\r\nAuthorization: a\r\nConnection: x-c\r\nx-c: d\r\nHost: a\r\n\r\n",
    GET + b"traceparent: b\r\n" + H + b"Authorization:\r\nContent-Length: 0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    b"0123456789A?limit=24&before=0123456789A",
    b"0123456789A?limit=100&%6cimit=1&x",
    *(file.read_bytes() for file in sorted(KEPT.iterdir())),
)
PIECES = (b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b"chunked", b"0\r\n\r\n", b"Host: a\r\n", b"\xff")


def _mutated(random_: random.Random) -> bytes:
    data = bytearray(random_.choice(SEEDS)[:2000])
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(data) + 1)
        match random_.randrange(4):
            case 0:
                data[at:at] = random_.choice(PIECES)
            case 1:
                del data[at : at + random_.randint(1, 8)]
            case 2 if at < len(data):
                data[at] = random_.randrange(256)
            case _:
                other = random_.choice(SEEDS)[:2000]
                data[at:] = other[random_.randrange(len(other)) :]
    return bytes(data)


def test_no_mutation_of_a_hostile_request_breaks_a_parser_or_slips_through() -> None:
    random_ = random.Random(20261123)
    for seed in SEEDS:
        one_input(seed[:4000])
    for _ in range(4000):
        one_input(_mutated(random_))


def test_a_report_is_of_a_run_that_ended_by_itself() -> None:
    said = "#4\tpulse  cov: 220 ft: 758 corp: 132/9524b\nDone 8 runs in 61 second(s)\n"
    assert "| inputs | 8 |" in report(said)
    with pytest.raises(ValueError, match="not say that it is done"):
        report(said.partition("Done")[0])
