"""How a playback key is recognised on both sides: by its public half, whoever wrote it down. Pure."""

from __future__ import annotations

from hashlib import sha256


def fingerprint(public_pem: str) -> str:
    """Twelve hex digits of a public key in PEM form; line breaks and spaces make no difference."""
    lines = (line.strip() for line in public_pem.strip().splitlines())
    body = "".join(line for line in lines if line and not line.startswith("-----"))
    return sha256(body.encode("ascii")).hexdigest()[:12]
