"""The routing table: which path belongs to which service, who may call it, and which limit counts it.

Read by the gateway (routing, authentication, limits), the edge (request classes), the stacks (nothing but the
gateway is reachable from outside) and the page's tests. Paths use ``{name}`` for one segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Service(StrEnum):
    """The seven services behind the gateway."""

    ACCOUNTS = "accounts"
    CATALOG = "catalog"
    UPLOADS = "uploads"
    ENGAGEMENT = "engagement"
    REALTIME = "realtime"
    RECOMMENDATIONS = "recommendations"
    SEARCH = "search"


class Auth(StrEnum):
    """What a caller must show."""

    NONE = "none"
    """Anybody; a valid token is passed on, an invalid one is refused."""
    USER = "user"


class LimitClass(StrEnum):
    """Which limiter counts a request (see ``limits``)."""

    GENERAL = "general"
    AUTHENTICATION = "authentication"
    HEARTBEAT = "heartbeat"
    MEDIA = "media"
    WEBSOCKET = "websocket"


class Priority(StrEnum):
    """What is shed last under overload comes first."""

    PLAYBACK = "playback"
    READ = "read"
    WRITE = "write"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. ``template`` doubles as the bounded metrics label."""

    method: str
    template: str
    service: Service
    auth: Auth
    limit: LimitClass = LimitClass.GENERAL
    priority: Priority = Priority.REST
    max_body: int = 64 * 1024
    """Bytes; a larger body is refused with 413."""


_A, _C, _U, _E, _R, _S = (
    Service.ACCOUNTS,
    Service.CATALOG,
    Service.UPLOADS,
    Service.ENGAGEMENT,
    Service.RECOMMENDATIONS,
    Service.SEARCH,
)
_READ, _WRITE, _PLAY = Priority.READ, Priority.WRITE, Priority.PLAYBACK

ROUTES: tuple[Route, ...] = (
    Route("POST", "/api/accounts/signup", _A, Auth.NONE, LimitClass.AUTHENTICATION, _WRITE),
    Route("POST", "/api/accounts/login", _A, Auth.NONE, LimitClass.AUTHENTICATION, _WRITE),
    Route("POST", "/api/accounts/refresh", _A, Auth.NONE, LimitClass.GENERAL, _WRITE),
    Route("POST", "/api/accounts/logout", _A, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("GET", "/api/accounts/me", _A, Auth.USER, LimitClass.GENERAL, _READ),
    Route("GET", "/api/accounts/.well-known/jwks.json", _A, Auth.NONE, LimitClass.GENERAL, _READ),
    Route("POST", "/api/channels", _C, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("GET", "/api/channels/mine", _C, Auth.USER, LimitClass.GENERAL, _READ),
    Route("GET", "/api/channels/{channel_id}", _C, Auth.NONE, LimitClass.GENERAL, _READ),
    Route("GET", "/api/channels/{channel_id}/videos", _C, Auth.NONE, LimitClass.GENERAL, _READ),
    Route("GET", "/api/videos/{video_id}", _C, Auth.NONE, LimitClass.GENERAL, _PLAY),
    Route("PATCH", "/api/videos/{video_id}", _C, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("DELETE", "/api/videos/{video_id}", _C, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("GET", "/api/videos/{video_id}/comments", _C, Auth.NONE, LimitClass.GENERAL, _READ),
    Route("POST", "/api/uploads", _U, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("GET", "/api/uploads/{upload_id}", _U, Auth.USER, LimitClass.GENERAL, _READ),
    Route("POST", "/api/uploads/{upload_id}/parts", _U, Auth.USER, LimitClass.HEARTBEAT, _WRITE),
    Route("POST", "/api/uploads/{upload_id}/complete", _U, Auth.USER, LimitClass.GENERAL, _WRITE, 1024 * 1024),
    Route("DELETE", "/api/uploads/{upload_id}", _U, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("POST", "/api/events", _E, Auth.NONE, LimitClass.HEARTBEAT, _WRITE),
    Route("PUT", "/api/videos/{video_id}/reaction", _E, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("GET", "/api/videos/{video_id}/reaction", _E, Auth.USER, LimitClass.GENERAL, _READ),
    Route("POST", "/api/videos/{video_id}/comments", _E, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("PUT", "/api/channels/{channel_id}/subscription", _E, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("GET", "/api/channels/{channel_id}/subscription", _E, Auth.USER, LimitClass.GENERAL, _READ),
    Route("GET", "/api/videos/{video_id}/counts", _E, Auth.NONE, LimitClass.GENERAL, _READ),
    Route("GET", "/api/videos/{video_id}/audience", _E, Auth.USER, LimitClass.GENERAL, _READ),
    Route("GET", "/api/notifications", _E, Auth.USER, LimitClass.GENERAL, _READ),
    Route("POST", "/api/notifications/read", _E, Auth.USER, LimitClass.GENERAL, _WRITE),
    Route("GET", "/api/recommendations", _R, Auth.NONE, LimitClass.GENERAL, _READ),
    Route("GET", "/api/videos/{video_id}/related", _R, Auth.NONE, LimitClass.GENERAL, _READ),
    Route("GET", "/api/search", _S, Auth.NONE, LimitClass.GENERAL, _READ),
)

REALTIME_PREFIX = "/socket.io/"
"""Goes from the edge straight to the realtime instances (sticky), which check the token themselves."""
MEDIA_PREFIX = "/media/"
"""Segments and manifests: from the CDN, locally from the edge's cache over S3."""
PAGE_PREFIX = "/"

IDENTITY_HEADERS = ("x-meridian-context", "x-user-id", "x-user-context", "x-forwarded-user")
"""Never accepted from outside; the gateway strips them."""
CONTEXT_HEADER = "x-meridian-context"
"""The signed, short-lived user context from the gateway to a service."""
HOP_HEADER = "x-meridian-cell"
"""Set by the first edge that handles a request: a second region refuses to hand it on."""
COUNTRY_HEADER = "x-meridian-country"
"""Embedded edge only: states the country of the caller, in place of GeoDNS."""
