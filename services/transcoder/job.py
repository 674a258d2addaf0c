"""One job from the uploaded file to the finished video: fetch, probe, encode rung by rung, publish each as it is ready.

Where the cell buys its renditions the encodes are MediaConvert's: the file is still probed and refused here.

Owns the order of the steps and what is visible after each. Does not own retries (``worker``) nor what is stored where
in the database (``ledger``). Whatever a killed attempt finished and wrote down is kept by the next one.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.common import ids
from services.common.videos import Media, Ready
from services.contracts.media import media_prefix, source_key
from services.transcoder import commands, dash, encode, hls
from services.transcoder.alongside import alongside
from services.transcoder.conversion import Conversion, dash_name, hls_name
from services.transcoder.converter import MediaConvert
from services.transcoder.ledger import Claim, Ledger
from services.transcoder.plan import Rendition, plan
from services.transcoder.probe import Source, probe
from services.transcoder.spending import Spending, minutes_of
from services.transcoder.storage import Storage
from services.transcoder.tools import Tools
from services.transcoder.tracks import Track

REPORT_SECONDS = 2.0
_FETCHED_PERCENT = 2
_ALL_PERCENT = 99
"""100 is what the catalogue says of a video that is ready."""


@dataclass(frozen=True, slots=True)
class Seams:
    """What a job works with."""

    tools: Tools
    storage: Storage
    ledger: Ledger
    spending: Spending
    converter: MediaConvert | None = None
    """Where renditions are bought; None: FFmpeg makes them here."""


@dataclass
class _Job:
    seams: Seams
    claim: Claim
    room: Path
    tracks: list[Track]
    weights: dict[str, float] = field(default_factory=dict)
    """Share of each rung in the work, by its pixels a second."""
    poster: str | None = None
    version: int = 0
    media: Media | None = None

    @property
    def prefix(self) -> str:
        return media_prefix(ids.encode(self.claim.video_id))

    @property
    def videos(self) -> list[Track]:
        return [track for track in self.tracks if track.kind == "video"]

    @property
    def audio(self) -> Track | None:
        return next((track for track in self.tracks if track.kind == "audio"), None)

    def has(self, rendition: Rendition) -> bool:
        """Whether an earlier attempt finished it; what is bought comes whole or not at all."""
        return self.seams.converter is None and rendition.name in {track.name for track in self.videos}

    def percent(self, running: str = "", share: float = 0.0) -> int:
        finished = sum(self.weights.get(track.name, 0.0) for track in self.videos)
        work = finished + self.weights.get(running, 0.0) * share
        return _FETCHED_PERCENT + int((_ALL_PERCENT - _FETCHED_PERCENT) * work)


async def transcode(seams: Seams, claim: Claim, room: Path) -> None:
    """Bring the claimed video to its end in the empty directory `room`.

    Raises RefusedError when the file is at fault, LostLeaseError when another worker has taken over, DayFullError when
    the cell may convert no more today, and whatever storage, database or encoder raise when another attempt may help.
    """
    job = _Job(seams, claim, room, list(claim.tracks))
    path = room / "source"
    await seams.storage.fetch(source_key(ids.encode(claim.video_id)), path)
    source = await probe(seams.tools, path)
    renditions = plan(source)
    pixels = {r.name: float(r.width * r.height * r.fps) for r in renditions}
    job.weights = {name: value / sum(pixels.values()) for name, value in pixels.items()}
    await seams.spending.begin(minutes_of(source.seconds or 0, [one for one in renditions if not job.has(one)]))
    await seams.ledger.progress(claim, _FETCHED_PERCENT)
    await _make_poster(job, path, source)
    if seams.converter is not None:
        ready = await _bought(job, seams.converter, source, renditions)
        await seams.storage.mark_transcoded(source_key(ids.encode(claim.video_id)))
        await seams.ledger.done(claim, ready)
        return
    if source.audio_stream is not None and job.audio is None:
        track = await encode.encode_audio(seams.tools, path, source, room / _directory(job, "audio"))
        await _publish(job, track)
    for rendition in renditions:
        if not job.has(rendition):
            await _publish(job, await _encode(job, path, source, rendition))
    ready = await _ready(job, renditions[-1])
    await seams.storage.mark_transcoded(source_key(ids.encode(claim.video_id)))
    await seams.ledger.done(claim, ready)


def _directory(job: _Job, name: str) -> str:
    """Every attempt writes beside the others: what was published is never overwritten."""
    return f"{name}-{job.claim.attempt}"


async def _make_poster(job: _Job, path: Path, source: Source) -> None:
    target = job.room / f"poster-{job.claim.attempt}.jpg"
    if await encode.take_poster(job.seams.tools, path, source, target):
        await job.seams.storage.put_files(job.prefix, [target])
        job.poster = job.prefix + target.name


async def _encode(job: _Job, path: Path, source: Source, rendition: Rendition) -> Track:
    share = 0.0

    def progress(done: float) -> None:
        nonlocal share
        share = done

    async def report() -> None:
        await job.seams.ledger.progress(job.claim, job.percent(rendition.name, share))

    directory = job.room / _directory(job, rendition.name)
    work = encode.encode_video(job.seams.tools, path, source, rendition, directory, progress)
    track = await alongside(work, REPORT_SECONDS, report)
    if not job.videos:
        encode.refuse_if_cut_off(source, track)
    return track


async def _publish(job: _Job, track: Track) -> None:
    """Segments first, then manifests that name them, then the row that names the manifests."""
    directory = job.room / track.directory
    playlist = directory / hls.MEDIA
    await asyncio.to_thread(playlist.write_text, hls.media_playlist(track), "utf-8")
    files = [directory / commands.INIT, playlist]
    files += [directory / commands.segment_name(number) for number in range(1, len(track.segments) + 1)]
    await job.seams.storage.put_files(f"{job.prefix}{track.directory}/", files)
    await asyncio.to_thread(shutil.rmtree, directory)
    job.tracks.append(track)
    if job.videos:
        job.media = await _put_manifests(job)
    await job.seams.ledger.published(job.claim, job.tracks, job.percent(), job.media)


async def _put_manifests(job: _Job) -> Media:
    """Both manifests over all tracks so far, under names that were never used."""
    job.version += 1
    name = f"{job.claim.attempt}.{job.version}"
    media = Media(f"{job.prefix}master-{name}.m3u8", f"{job.prefix}stream-{name}.mpd", job.poster)
    await job.seams.storage.put_text(media.hls_key, hls.master_playlist(job.videos, job.audio))
    await job.seams.storage.put_text(media.dash_key, dash.manifest(job.videos, job.audio))
    return media


async def _bought(job: _Job, converter: MediaConvert, source: Source, renditions: Sequence[Rendition]) -> Ready:
    """All renditions from MediaConvert, below a prefix of this attempt: it writes segments and manifests itself."""
    below = f"{job.prefix}{_directory(job, 'converted')}/"
    made = Conversion(
        source=f"s3://{converter.uploads}/{source_key(ids.encode(job.claim.video_id))}",
        target=f"s3://{converter.media}/{below}",
        renditions=renditions,
        sound=source.audio_stream is not None,
        interlaced=source.interlaced,
    )

    async def progress(percent: int) -> None:
        share = (_ALL_PERCENT - _FETCHED_PERCENT) * percent // 100
        await job.seams.ledger.progress(job.claim, _FETCHED_PERCENT + share)

    await converter.convert(made, f"{ids.encode(job.claim.video_id)}-{job.claim.attempt}", progress)
    largest = renditions[-1]
    return Ready(
        duration_ms=max(1, round((source.seconds or 0) * 1000)),
        width=largest.width,
        height=largest.height,
        rungs=[rendition.name for rendition in renditions],
        media=Media(f"{below}{hls_name()}", f"{below}{dash_name()}", job.poster),
    )


async def _ready(job: _Job, largest: Rendition) -> Ready:
    return Ready(
        duration_ms=max(1, round(job.videos[0].seconds * 1000)),
        width=largest.width,
        height=largest.height,
        rungs=[track.name for track in job.videos],
        # None when an earlier attempt was killed between its last rung and this line.
        media=job.media or await _put_manifests(job),
    )
