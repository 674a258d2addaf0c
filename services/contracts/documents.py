"""Where the documents that are made from the contracts lie. Owns no content."""

from __future__ import annotations

from pathlib import Path

OPENAPI_FILE = Path(__file__).with_name("openapi.json")
"""The OpenAPI document, written by ``services.openapi``."""
