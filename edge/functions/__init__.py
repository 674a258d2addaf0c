"""CloudFront functions (runtime cloudfront-js-2.0) and how their text is made. Owns no distribution.

``media.js`` finds the origin of a video by the bucket in its id; ``page.js`` leads every view to the one document.
"""

from __future__ import annotations

import json
from pathlib import Path

from regions.buckets import ShardMap
from regions.catalogue import Catalogue
from regions.errors import CatalogueError

CODE_LIMIT = 10_240
"""Bytes that CloudFront accepts for one function."""

FAILOVER_STATUS = (403, 404, 500, 502, 503, 504)
"""Answers of an origin after which its stand-in is asked. S3 answers 403 for an object that is not there, unless the
caller may list the bucket."""

_DIRECTORY = Path(__file__).parent
_HOMES = "__HOMES__"
_FAILOVER = "__FAILOVER__"


def page() -> str:
    """Code of the page's function."""
    return _checked("page.js", _read("page.js"))


def media(shard_map: ShardMap, catalogue: Catalogue) -> str:
    """Code of the media function: media lie in the home cell of the video's bucket, copies with its partner.

    Origins are called by the region's name. Raises `CatalogueError` if the code grows beyond CloudFront's limit.
    """
    homes = [[part.stop, part.home, catalogue.get(part.home).partner] for part in shard_map.ranges]
    code = _read("media.js").replace(_HOMES, json.dumps(homes, separators=(",", ":")))
    return _checked("media.js", code.replace(_FAILOVER, json.dumps(FAILOVER_STATUS)))


def _read(name: str) -> str:
    return (_DIRECTORY / name).read_text(encoding="utf-8")


def _checked(name: str, code: str) -> str:
    size = len(code.encode())
    if size > CODE_LIMIT:
        raise CatalogueError(
            f"edge/functions/{name} has {size} bytes, CloudFront takes {CODE_LIMIT}; merge bucket ranges"
        )
    return code
