"""A headless Chromium of the system, driven by Playwright. Nothing is downloaded by Playwright itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ARTEFACTS = Path(__file__).resolve().parents[2] / "test-artefacts"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a profile of its own, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(), headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def _executable() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for argv in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=600)
        found = shutil.which(NAMES[0])
    if found is None:
        raise RuntimeError(f"no browser on PATH ({', '.join(NAMES)}): install Debian's package chromium")
    return found


def picture(page: Page, name: str) -> None:
    """Keeps what the page looks like now."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def until(page: Page, what: str, condition: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for `condition`. (Playwright's own waiting evaluates text, which the page's policy forbids.)"""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            picture(page, "failure")
            raise AssertionError(f"{what}: not within {seconds:.0f} s; see test-artefacts/failure.png")
        page.wait_for_timeout(200)
