from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from services.accounts.passwords import MEMORY_KIB, Passwords
from services.common.errors import ServiceError


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(threads=1, max_waiting=2)
    yield made
    made.close()


async def test_a_password_is_recognised_and_another_is_not(passwords: Passwords) -> None:
    encoded = await passwords.hash("correct horse")

    assert encoded.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t=1,p=1$")
    assert await passwords.verify("correct horse", encoded)
    assert not await passwords.verify("correct house", encoded)
    assert not await passwords.verify("correct horse", None)
    assert not await passwords.verify("correct horse", "no hash at all")


async def test_a_password_typed_on_another_keyboard_is_the_same(passwords: Passwords) -> None:
    assert await passwords.verify("Zoe\u0308 sleeps", await passwords.hash("Zo\u00eb sleeps"))


async def test_a_flood_is_refused_and_what_was_taken_on_is_done(passwords: Passwords) -> None:
    results = await asyncio.gather(*(passwords.hash("x" * 10) for _ in range(20)), return_exceptions=True)

    refused = [result for result in results if isinstance(result, ServiceError)]
    assert len([result for result in results if isinstance(result, str)]) == 3
    assert len(refused) == 17
    assert {error.status for error in refused} == {503}
    assert await passwords.verify("x" * 10, await passwords.hash("x" * 10))


async def test_a_hash_of_other_parameters_is_outdated(passwords: Passwords) -> None:
    assert passwords.outdated(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("x"))
    assert not passwords.outdated(await passwords.hash("x"))
