"""MediaConvert as the transcoder uses it: send a job, follow it to its end, call it off. Owns no setting of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.common.aws import in_thread
from services.contracts.settings import ConverterSettings
from services.transcoder import conversion
from services.transcoder.conversion import Conversion

POLL_SECONDS = 5.0
_RUNNING = frozenset({"SUBMITTED", "PROGRESSING"})


class ConversionError(Exception):
    """A job ended without its renditions; another attempt may help."""


@dataclass(frozen=True, slots=True)
class MediaConvert:
    """The cell's queue."""

    client: Any  # boto3 publishes no types
    uploads: str
    """Bucket."""
    media: str
    """Bucket."""
    settings: ConverterSettings
    poll_seconds: float = POLL_SECONDS

    async def convert(
        self,
        made: Conversion,
        token: str,
        progress: Callable[[int], Awaitable[None]],
    ) -> None:
        """Runs the job to its end; ``progress`` is given percents. Called off, it calls the job off.

        Raises `ConversionError`, and boto3's errors.
        """
        arguments = conversion.request(
            made, queue_arn=self.settings.queue_arn, role_arn=self.settings.role_arn, token=token
        )
        answer = await in_thread(self.client.create_job, **arguments)
        job = answer["Job"]
        try:
            while job["Status"] in _RUNNING:
                await progress(int(job.get("JobPercentComplete", 0)))
                await asyncio.sleep(self.poll_seconds)
                job = (await in_thread(self.client.get_job, Id=job["Id"]))["Job"]
        except BaseException:
            if job["Status"] in _RUNNING:
                await asyncio.shield(in_thread(self.client.cancel_job, Id=job["Id"]))
            raise
        if job["Status"] != "COMPLETE":
            told = f"{job.get('ErrorCode', 'no code')}: {job.get('ErrorMessage', 'no message')}"
            raise ConversionError(f"job {job['Id']} ended as {job['Status']} ({told})")
