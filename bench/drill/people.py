"""People at the front door: they sign up, publish, watch, like and comment, and know what was acknowledged to them.

Owns what is sent, from which addresses, and the account of it. Does not own what is done to the platform meanwhile.
An address of the loopback stands for a place (see ``edge.geo``), so each person is near the region that they name.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import secrets
import ssl
import time
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import httpx

from edge.geo import loopback_network
from services.engagement import event_ids

TIMEOUT_SECONDS: Final = 10.0
WATCHED_MS: Final = 40_000
READY_SECONDS: Final = 240.0
BURST: Final = 250
"""Beacons from one address, after which another is taken: below what the platform lets one address send."""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    region: str
    id: str
    client: httpx.AsyncClient


@dataclass
class Account:
    """What the platform said it has taken, and what nobody knows."""

    views: Counter[str] = field(default_factory=Counter)
    """By video: acknowledged."""
    unknown_views: Counter[str] = field(default_factory=Counter)
    """By video: sent, and never answered."""
    likes: dict[str, dict[str, bool]] = field(default_factory=dict)
    """By video and person: whether they like it, as acknowledged last."""
    comments: Counter[str] = field(default_factory=Counter)
    unknown_comments: Counter[str] = field(default_factory=Counter)
    answered: list[float] = field(default_factory=list)
    """When something was acknowledged, by the monotonic clock."""
    refused: Counter[str] = field(default_factory=Counter)
    """Requests that were not taken, by what came instead."""

    @property
    def acknowledged(self) -> int:
        """Views and comments together: each is an event of its own."""
        return self.views.total() + self.comments.total()


class SignedIn(httpx.Auth):
    """A token of somebody, who signs in again when it has run out: a drill takes longer than a token lives."""

    requires_response_body = True

    def __init__(self, url: str, wish: Mapping[str, str], token: str) -> None:
        self._url = url
        self._credentials = {name: wish[name] for name in ("email", "password")}
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request; after a 401 a login, and the request again."""
        request.headers["authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code != 401:
            return
        session = yield httpx.Request("POST", f"{self._url}/api/accounts/login", json=self._credentials)
        if session.status_code == 200:
            self._token = str(session.json()["access_token"])
            request.headers["authorization"] = f"Bearer {self._token}"
            yield request


class Front:
    """The front door of one installation."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        # By address: a caller's own address is of one family, and "localhost" may mean the other.
        self.url = url.replace("localhost", "127.0.0.1")
        self.account = Account()
        self._trust = trust
        self._numbers = {region: itertools.count(1) for region in ("mumbai", "singapore")}
        self._strangers: dict[str, tuple[httpx.AsyncClient, int]] = {}
        self._open: list[httpx.AsyncClient] = []

    def caller(self, region: str) -> httpx.AsyncClient:
        """Somebody new near ``region``."""
        address = loopback_network(region)[next(self._numbers[region])]
        transport = httpx.AsyncHTTPTransport(verify=self._trust, local_address=str(address))
        client = httpx.AsyncClient(base_url=self.url, transport=transport, timeout=TIMEOUT_SECONDS)
        self._open.append(client)
        return client

    async def close(self) -> None:
        """Closes every connection."""
        for client in self._open:
            await client.aclose()

    async def sign_up(self, region: str, name: str) -> Person:
        """A new person near ``region``. Raises httpx.HTTPError."""
        client = self.caller(region)
        wish = {
            "email": f"{secrets.token_hex(6)}@example.org",
            "password": secrets.token_urlsafe(16),
            "display_name": name,
        }
        session = (await client.post("/api/accounts/signup", json=wish)).raise_for_status().json()
        client.auth = SignedIn(self.url, wish, session["access_token"])
        return Person(region, session["user"]["id"], client)

    async def publish(self, person: Person, title: str, clip: bytes) -> str:
        """A video of ``person`` in a channel of theirs, from the upload to its first qualities; its id."""
        client = person.client
        channel = (await client.post("/api/channels", json={"name": title})).raise_for_status().json()["id"]
        wish = {"channel_id": channel, "title": title, "file_name": "film.mp4", "size": len(clip)}
        upload = str((await client.post("/api/uploads", json=wish)).raise_for_status().json()["upload_id"])
        digest = base64.b64encode(hashlib.sha256(clip).digest()).decode()
        wanted = {"parts": [{"number": 1, "sha256": digest}]}
        answer = await client.post(f"/api/uploads/{upload}/parts", json=wanted)
        (part,) = answer.raise_for_status().json()["parts"]
        async with httpx.AsyncClient(verify=self._trust, timeout=60) as storage:
            (await storage.put(part["url"], content=clip, headers=part["headers"])).raise_for_status()
        (await client.post(f"/api/uploads/{upload}/complete", json={})).raise_for_status()
        end = time.monotonic() + READY_SECONDS
        while (await client.get(f"/api/videos/{upload}")).json().get("state") != "ready":
            if time.monotonic() > end:
                raise TimeoutError(f"{title} was not ready within {READY_SECONDS:.0f} s")
            await asyncio.sleep(1.5)
        return upload

    async def watch(self, region: str, videos: list[str]) -> None:
        """A stranger near ``region`` watched every one of ``videos`` once; told in one beacon, and never again."""
        client, used = self._strangers.get(region, (None, 0))
        if client is None or used >= BURST:
            client, used = self.caller(region), 0
        self._strangers[region] = (client, used + 1)
        events = [
            {"kind": "view", "id": str(UUID(bytes=event_ids.make())), "video": video, "watched_ms": WATCHED_MS}
            for video in videos
        ]
        account = self.account
        try:
            answer = await client.post("/api/events", json={"viewer": secrets.token_hex(12), "events": events})
        except httpx.ConnectError:
            account.refused["no connection"] += 1
            return
        except httpx.HTTPError as error:
            account.unknown_views.update(videos)
            account.refused[type(error).__name__] += 1
            return
        if answer.status_code == 202 and answer.json()["accepted"] == len(videos):
            account.views.update(videos)
            account.answered.append(time.monotonic())
            return
        # Taken in part, or refused after a part of it may have reached the log.
        account.refused[f"{answer.status_code} {answer.text[:60]}"] += 1
        account.unknown_views.update(videos)

    async def like(self, person: Person, video: str, likes: bool) -> None:
        """A like or its taking back, said until it is acknowledged."""
        body = {"state": "like" if likes else "none", "id": str(UUID(bytes=event_ids.make()))}
        await self._until_taken(person, f"/api/videos/{video}/reaction", body)
        self.account.likes.setdefault(video, {})[person.id] = likes

    async def comment(self, person: Person, video: str, text: str) -> None:
        """A comment, said once."""
        body = {"body": text, "id": str(UUID(bytes=event_ids.make()))}
        account = self.account
        try:
            answer = await person.client.post(f"/api/videos/{video}/comments", json=body)
        except httpx.ConnectError:
            account.refused["no connection"] += 1
            return
        except httpx.HTTPError as error:
            account.unknown_comments[video] += 1
            account.refused[type(error).__name__] += 1
            return
        if answer.status_code == 201:
            account.comments[video] += 1
            account.answered.append(time.monotonic())
        else:
            account.unknown_comments[video] += 1
            account.refused[f"{answer.status_code} {answer.text[:60]}"] += 1

    async def _until_taken(self, person: Person, path: str, body: dict[str, str]) -> None:
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                answer = await person.client.put(path, json=body)
                if answer.status_code == 200:
                    self.account.answered.append(time.monotonic())
                    return
                said = f"{answer.status_code} {answer.text[:60]}"
            except httpx.HTTPError as error:
                said = type(error).__name__
            self.account.refused[said] += 1
            if time.monotonic() > end:
                raise TimeoutError(f"{path} was not taken within {READY_SECONDS:.0f} s: {said}")
            await asyncio.sleep(1)

    async def counts(self, video: str) -> dict[str, int]:
        """Views, likes and comments of a video as anybody sees them. Raises httpx.HTTPError."""
        client = self.caller("singapore")
        try:
            answer = (await client.get(f"/api/videos/{video}/counts")).raise_for_status().json()
        finally:
            self._open.remove(client)
            await client.aclose()
        return {name: int(answer[name]) for name in ("views", "likes", "comments")}
