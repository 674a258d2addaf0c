"""Fixtures of the media tests."""

from tests.services.media import media, media_cells

__all__ = ["media", "media_cells"]
