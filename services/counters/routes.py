"""What counters add to the routes that every service has: their own metrics behind the common ones."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest

from services.common.app import state
from services.common.metrics import CONTENT_TYPE, RequestMetrics
from services.counters.counting import Counting

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Comes before the common route of this path and contains what that gives."""
    common = request.app.state.metrics
    text = common.render() if isinstance(common, RequestMetrics) else b""
    return Response(text + generate_latest(state(request, Counting).registry), media_type=CONTENT_TYPE)
