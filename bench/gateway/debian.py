"""Programs from Debian's archive, unpacked into the cache: nothing of the system is changed.

Owns the list of packages. Needs Debian 12 (or a relative with ``apt-get`` and the same libraries).
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from local import cache
from local.cache import Artefact

PACKAGES: Final = (
    "wrk",
    "hey",
    "libluajit2-5.1-2",
    "libluajit2-5.1-common",
    "haproxy",
    "liblua5.3-0",
    "libopentracing-c-wrapper0",
    "libopentracing1",
    "nginx",
    "libnginx-mod-http-lua",
    "libnginx-mod-http-ndk",
    "libpcre3",
    "lua-resty-core",
    "lua-resty-lrucache",
)


def _versions() -> dict[str, str]:
    shown = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", *PACKAGES], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, str] = {}
    name = ""
    for line in shown.splitlines():
        key, _, value = line.partition(": ")
        if key == "Package":
            name = value
        elif key == "Version":
            found.setdefault(name, value)
    return found


def root() -> tuple[Path, dict[str, str]]:
    """(the directory below which ``usr`` lies, versions by package). Downloads at the first time."""
    if not (versions := _versions()):
        raise SystemExit("the package lists of Debian are empty; run: apt-get update")
    version = "-".join(
        versions[name] for name in ("wrk", "hey", "libluajit2-5.1-2", "haproxy", "nginx", "libnginx-mod-http-lua")
    )
    clean = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in version.lower())
    return cache.install(Artefact("bench-debian", clean, "downloading peers from Debian"), _unpack), versions


def _unpack(target: Path) -> None:
    archives = target / "archives"
    archives.mkdir()
    subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=archives, check=True, capture_output=True)
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)
        archive.unlink()
    archives.rmdir()


def libraries(base: Path) -> dict[str, str]:
    """Environment that lets the programs find their libraries."""
    return {"LD_LIBRARY_PATH": f"{base}/usr/lib/x86_64-linux-gnu:{base}/lib/x86_64-linux-gnu"}
