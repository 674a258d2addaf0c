"""The path that a person walks: sign up, open a channel, upload, watch, like, comment; somebody else sees it live.

Everything is real: `meridian up` deploys the stacks and starts the platform, a browser uses it through the front door.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests import clips
from tests.e2e.browser import chromium, picture, until
from tests.e2e.installation import UP_SECONDS, Installation, installed

PASSWORD = "correct horse battery staple"
TITLE = "A rabbit in a meadow"
NEWS = "Snow in the meadow"
COUNTED_SECONDS = 90
"""Counts are written every 30 seconds at the latest; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def platform() -> Iterator[Installation]:
    with installed("mumbai,singapore") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@dataclass
class Visitor:
    """Somebody in front of a browser window of their own."""

    page: Page
    url: str
    complaints: list[str]

    @classmethod
    def arrive(cls, browser: Browser, url: str) -> Visitor:
        page = browser.new_context(viewport={"width": 1280, "height": 800}, ignore_https_errors=True).new_page()
        visitor = cls(page, url, [])
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page.goto(url)
        return visitor

    def sign_up(self, name: str) -> None:
        self.page.goto(f"{self.url}/signup")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("E-mail").fill(f"{secrets.token_hex(6)}@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        picture(self.page, "1-sign-up")
        self.page.get_by_role("button", name="Create account").click()

    def open_channel(self, name: str) -> None:
        self.page.get_by_label("Name of the channel").fill(name)
        self.page.get_by_role("button", name="Create channel").click()
        self.page.wait_for_selector(".drop")

    def upload(self, path: Path, title: str) -> None:
        self.page.goto(f"{self.url}/upload")
        self.page.set_input_files("#file", str(path))
        self.page.get_by_label("Title").fill(title)
        picture(self.page, "2-describe")
        self.page.locator("form button[type=submit]", has_text="Upload").click()
        self.page.wait_for_url("**/watch/*", timeout=60_000)

    def subscribe(self, channel: str) -> None:
        self.page.goto(f"{self.url}/channel/{channel}")
        self.page.get_by_role("button", name="Subscribe").click()
        self.page.get_by_role("button", name="Subscribed").wait_for()

    def play(self) -> None:
        self.page.evaluate("() => { const v = document.querySelector('video'); v.muted = true; return v.play(); }")

    def video(self, name: str) -> float:
        value: float = self.page.evaluate("(name) => document.querySelector('video')[name]", name)
        return value

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def likes(self) -> str:
        return self.text("[data-reaction=like]").strip()


@pytest.fixture(scope="module")
def creator(platform: Installation, browser: Browser) -> Visitor:
    visitor = Visitor.arrive(browser, platform.url)
    visitor.sign_up("Ada Lovelace")
    visitor.open_channel("Meadow films")
    return visitor


def test_a_person_uploads_a_video_and_watches_it_and_another_sees_the_counts_change(
    platform: Installation, browser: Browser, creator: Visitor
) -> None:
    page = creator.page
    creator.upload(clips.real(clips.BUNNY), TITLE)
    picture(page, "3-processing")
    page.wait_for_selector("video", timeout=120_000)
    picture(page, "4-first-quality")
    until(page, "all qualities", lambda: not page.locator(".processing").is_visible(), 180)
    page.reload()
    page.wait_for_selector("video")
    until(page, "the qualities' menu", lambda: page.locator("select[aria-label=Quality] option").count() == 6)

    watcher = Visitor.arrive(browser, page.url)
    watcher.page.wait_for_selector("video")
    until(watcher.page, "two viewers", lambda: "2 watching now" in watcher.text(".live"))
    assert watcher.text("[data-count=views]") == "0 views"

    creator.play()
    until(page, "playback", lambda: creator.video("currentTime") > 1)
    picture(page, "5-playing")
    assert creator.video("duration") == pytest.approx(5.3, abs=0.1)
    assert creator.video("videoWidth") > 0
    page.get_by_label("Quality").select_option(label="720p")
    until(page, "the end", lambda: bool(creator.video("ended")))
    page.evaluate("() => { document.querySelector('video').currentTime = 0; }")
    creator.play()
    until(page, "the chosen quality", lambda: creator.video("videoHeight") == 720)

    page.get_by_role("button", name="Like", exact=True).click()
    page.get_by_label("Your comment").fill("What a morning!")
    page.get_by_role("button", name="Comment", exact=True).click()
    page.wait_for_selector(".comment")
    assert creator.likes() == "1"
    picture(page, "6-liked-and-commented")

    until(watcher.page, "the view", lambda: watcher.text("[data-count=views]") == "1 view", COUNTED_SECONDS)
    until(watcher.page, "the like", lambda: watcher.likes() == "1", COUNTED_SECONDS)
    until(watcher.page, "the comment", lambda: watcher.text("[data-count=comments]") == "1 comment", COUNTED_SECONDS)
    watcher.page.get_by_role("button", name="Show new comments").click()
    watcher.page.wait_for_selector(".comment")
    picture(watcher.page, "7-somebody-else")
    assert "What a morning!" in watcher.text(".comment")

    page.reload()
    page.wait_for_selector("video")
    until(
        page,
        "the kept reaction",
        lambda: page.get_by_role("button", name="Like", exact=True).get_attribute("aria-pressed") == "true",
    )
    assert creator.likes() == "1"
    assert creator.complaints == watcher.complaints == []


def test_the_video_is_found_on_the_start_page_and_by_its_words(creator: Visitor) -> None:
    page = creator.page
    page.goto(creator.url)
    page.wait_for_selector(f".card h2:has-text('{TITLE}')")
    picture(page, "8-start-page")
    page.get_by_role("searchbox").fill("rabbit meadow")
    page.keyboard.press("Enter")
    page.wait_for_selector(f".results ~ * .card h2:has-text('{TITLE}'), .results + .grid h2:has-text('{TITLE}')")
    picture(page, "9-search")


def test_a_subscriber_is_told_of_a_new_video_while_looking_at_something_else(
    browser: Browser, creator: Visitor, platform: Installation
) -> None:
    creator.page.goto(creator.url)
    creator.page.get_by_role("link", name="Meadow films").first.click()
    creator.page.wait_for_url("**/channel/*")
    channel = creator.page.url.rsplit("/", 1)[1]
    follower = Visitor.arrive(browser, platform.url)
    follower.sign_up("Grace Hopper")
    follower.page.wait_for_selector(".bell")
    follower.subscribe(channel)

    def followed() -> bool:
        creator.page.reload()
        creator.page.wait_for_selector(".channel-head")
        return "1 subscriber" in creator.text(".channel-head")

    until(creator.page, "the subscriber", followed, COUNTED_SECONDS)
    follower.page.reload()
    follower.page.get_by_role("button", name="Subscribed").wait_for()
    follower.page.goto(f"{platform.url}/search?q=rabbit")
    follower.page.wait_for_selector(".bell")
    assert not follower.page.locator(".bell-count").is_visible()
    creator.upload(clips.generated(clips.SILENT), NEWS)
    # Nothing is loaded again: the page is told.
    until(follower.page, "the bell", lambda: follower.page.locator(".bell-count").is_visible(), 120)
    assert follower.text(".bell-count") == "1"
    picture(follower.page, "10-bell")
    follower.page.get_by_label("Notices, 1 unread").click()
    told = follower.page.locator(".notices .unread", has_text=f"Meadow films published “{NEWS}”")
    told.wait_for()
    until(follower.page, "all read", lambda: not follower.page.locator(".bell-count").is_visible())
    picture(follower.page, "11-notices")
    told.get_by_role("link").click()
    follower.page.wait_for_url("**/watch/*")
    follower.page.reload()
    follower.page.wait_for_selector(".bell")
    follower.page.get_by_label("Notices", exact=True).click()
    follower.page.locator(".notices li", has_text=NEWS).wait_for()
    assert follower.page.locator(".notices .unread").count() == 0
    assert follower.complaints == []


def test_what_is_not_a_video_is_refused_with_a_reason_on_the_page(creator: Visitor, tmp_path: Path) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("This is a letter and no video.\n" * 100)
    creator.upload(letter, "A letter")
    until(creator.page, "the refusal", lambda: "not a video" in creator.text(".stage-slot"), 60)
    picture(creator.page, "12-refused")


def test_a_truncated_video_is_refused_with_a_reason_on_the_page(creator: Visitor, tmp_path: Path) -> None:
    cut = clips.cut(clips.generated(clips.SILENT), 0.6, tmp_path / "cut.mp4")
    creator.upload(cut, "Half a film")
    until(creator.page, "the refusal", lambda: "incomplete" in creator.text(".stage-slot"), 60)


def test_an_empty_file_is_refused_at_once(creator: Visitor, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    page = creator.page
    page.goto(f"{creator.url}/upload")
    page.set_input_files("#file", str(empty))
    page.locator("form button[type=submit]", has_text="Upload").click()
    until(page, "the refusal", lambda: "0 bytes" in creator.text(".problem"))


def test_a_part_with_a_wrong_checksum_is_refused_by_the_storage(creator: Visitor) -> None:
    session = json.loads(creator.page.evaluate("() => localStorage.getItem('meridian.session')"))
    headers = {"authorization": f"Bearer {session['access']}"}
    # The certificate is of this machine only.
    with httpx.Client(base_url=creator.url, headers=headers, verify=False, timeout=30) as client:
        channel = client.get("/api/channels/mine").json()["channels"][0]["id"]
        wish = {"channel_id": channel, "title": "Damaged", "file_name": "x.mp4", "size": 5, "content_type": "video/mp4"}
        upload = client.post("/api/uploads", json=wish).json()["upload_id"]
        right = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="  # SHA-256 of "hello"
        wanted = {"parts": [{"number": 1, "sha256": right}]}
        (part,) = client.post(f"/api/uploads/{upload}/parts", json=wanted).json()["parts"]
        bare = httpx.Client(verify=False, timeout=30)
        damaged = bare.put(part["url"], content=b"jello", headers=part["headers"])
        assert (damaged.status_code, "BadDigest" in damaged.text) == (400, True)
        forged = bare.put(
            part["url"].replace("partNumber=1", "partNumber=2"), content=b"hello", headers=part["headers"]
        )
        assert forged.status_code == 403
        refused = client.post(f"/api/uploads/{upload}/complete", json={})
        assert refused.json()["error"]["code"] == "parts_missing"
        assert bare.put(part["url"], content=b"hello", headers=part["headers"]).status_code == 200
        assert client.post(f"/api/uploads/{upload}/complete", json={}).status_code == 200


def test_an_interrupted_upload_is_resumed_by_the_page(creator: Visitor, tmp_path: Path) -> None:
    page = creator.page
    big = tmp_path / "big.mp4"
    # A valid clip with an ignored box behind it, so that it takes four parts.
    clip = clips.generated(clips.SILENT).read_bytes()
    filler = 30 * 1024**2
    big.write_bytes(clip + filler.to_bytes(4, "big") + b"free" + bytes(filler - 8))
    blocked = [0]

    def hold(route: object) -> None:
        blocked[0] += 1
        route.abort() if blocked[0] > 2 else route.continue_()  # type: ignore[attr-defined] # Playwright's route

    page.goto(f"{creator.url}/upload")
    page.route("**/*X-Amz-Signature*", hold)
    page.set_input_files("#file", str(big))
    page.get_by_label("Title").fill("Resumed")
    page.locator("form button[type=submit]", has_text="Upload").click()
    until(page, "the first two parts", lambda: blocked[0] > 2)
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").wait_for()
    picture(page, "13-paused")
    page.unroute("**/*X-Amz-Signature*")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/watch/*", timeout=60_000)
    assert 1 <= len(sent) <= 2, "parts that had arrived are not sent again"
    until(page, "the video", lambda: page.locator("video").count() == 1, 90)


def test_parts_killed_in_the_middle_of_up_are_back_with_what_they_had(platform: Installation, creator: Visitor) -> None:
    running = {row["name"]: row["pid"] for row in json.loads(platform.meridian("status", "--json").stdout)}
    victims = [running[name] for name in ("mumbai-postgres-primary", "mumbai-gateway", "emulator")]
    with subprocess.Popen(platform.command("up"), env=platform.environment, stderr=subprocess.PIPE, text=True) as up:
        time.sleep(2)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        _, said = up.communicate(timeout=UP_SECONDS)
    assert up.returncode == 0, said[-3000:]
    creator.page.goto(platform.url)
    creator.page.get_by_text(TITLE).first.wait_for(timeout=60_000)


def test_every_part_of_the_platform_is_healthy_after_all_that(platform: Installation) -> None:
    status = platform.meridian("status", "--json", seconds=120)
    unwell = [row for row in json.loads(status.stdout) if row["health"] != "healthy"]
    assert unwell == []
