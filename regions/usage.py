"""What people's use costs a month at the headline loads: delivery, transfer, transcoding, requests, storage.

Owns the volumes that loads cause. What stands there whether used or not is ``cost``; both give bills that add up.
Volumes follow the mean of a month, not its peak, and the region that normally serves them. Transcoding by FFmpeg is
pods, which stand there; by MediaConvert it is use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regions import rates
from regions.capacity import Plan
from regions.catalogue import CATALOGUE, Catalogue, Region
from regions.charges import Charge
from regions.cost import Bill, Line, Money, total
from regions.figures import Figure, weakest
from regions.loads import HEADLINE, Loads, home_share, visitors
from regions.prices import HOURS, delivery
from regions.sizing import Contract
from regions.stores import outward

SECONDS = HOURS * 3_600
_GIGA = 1e9


def monthly(
    plans: Sequence[Plan],
    contract: Contract,
    loads: Loads = HEADLINE,
    catalogue: Catalogue = CATALOGUE,
    *,
    transcoder: str = "ffmpeg",
) -> Bill:
    """The bill of use of every region. ``transcoder``: ``ffmpeg`` or ``mediaconvert``. Raises `PriceError`."""
    lines: list[Line] = []
    for plan in plans:
        region = catalogue.get(plan.region)
        for what, component, charges, figures in _charges(region, plan, contract, loads, catalogue):
            money = total(charges, region.code)
            basis = weakest((money.basis, rates.PEAK_TO_MEAN.basis, *(figure.basis for figure in figures)))
            lines.append(Line(region.code, component, what, Money(money.usd, basis, money.how)))
        lines.append(Line(region.code, "delivery", "media to viewers", _delivered(region, loads, catalogue)))
        if transcoder == "mediaconvert":
            lines.append(_converted(region, contract, loads, catalogue))
    return Bill(tuple(lines))


def _mean(load: float) -> float:
    """The mean of a month, of a peak load."""
    return load / rates.PEAK_TO_MEAN.value


def _delivered(region: Region, loads: Loads, catalogue: Catalogue) -> Money:
    share = visitors(region.name, None, catalogue)
    volume = _mean(loads.viewers * rates.BITRATE.value * 1e6 / 8 * share) * SECONDS / _GIGA
    usd, below, bases = 0.0, 0.0, [rates.BITRATE.basis, rates.PEAK_TO_MEAN.basis]
    for limit, price in delivery(region.code):
        step = max(0.0, min(volume, limit) - below)
        usd += step * price.value
        below = min(volume, limit)
        if step:
            bases.append(price.basis)
    return Money(usd, weakest(bases), f"{volume:,.0f} GB by CloudFront's steps, before any agreement")


def _converted(region: Region, contract: Contract, loads: Loads, catalogue: Catalogue) -> Line:
    share = visitors(region.name, None, catalogue)
    minutes = _mean(loads.source_seconds * share) * SECONDS / 60 * rates.NORMALIZED.value * contract.rungs
    money = total([Charge("mediaconvert.minute", minutes, f"{minutes:,.0f} normalized minutes")], region.code)
    return Line(region.code, "transcoding", "mediaconvert", money)


_Use = tuple[str, str, list[Charge], tuple[Figure, ...]]


def _charges(region: Region, plan: Plan, contract: Contract, loads: Loads, catalogue: Catalogue) -> Iterator[_Use]:
    share = visitors(region.name, None, catalogue)
    yield from _requests(share, contract, loads)
    yield from _events(share, loads)
    yield from _media(share, contract, loads)
    yield from _rows(region, plan, loads)
    yield from _samples(plan, contract)


def _requests(share: float, contract: Contract, loads: Loads) -> Iterator[_Use]:
    calls = _mean(loads.api_rps + loads.beacon_rps) * share * SECONDS
    yield "requests through the firewall", "firewall", [Charge("waf.request", calls, f"{calls:,.0f} requests")], ()
    answers = calls * rates.ANSWER_BYTES.value / _GIGA
    yield (
        "answers to people",
        "network",
        [Charge("transfer.internet", answers, f"{answers:,.0f} GB")],
        (rates.ANSWER_BYTES,),
    )
    balanced = _mean(loads.sessions) * share / rates.LCU_CONNECTIONS.value * HOURS
    yield (
        "balancer units",
        "network",
        [Charge("alb.lcu", balanced, f"{balanced:,.0f} LCU-hours")],
        (rates.LCU_CONNECTIONS,),
    )
    logs = calls * rates.LOG_BYTES.value / _GIGA
    yield "logs", "observability", [Charge("logs.ingested", logs, f"{logs:,.0f} GB")], (rates.LOG_BYTES,)
    signed = _mean(loads.sessions) * share / contract.token_seconds * SECONDS
    yield "tokens signed", "keys", [Charge("kms.sign", signed, f"{signed:,.0f} signatures")], ()
    segments = _mean(loads.viewers * rates.TRACKS.value / contract.segment_seconds) * share * SECONDS
    yield "segment requests", "delivery", [Charge("cloudfront.request", segments, f"{segments:,.0f} requests")], ()
    calls_out = _mean(outward(loads) * 1e9 / 8) * share * SECONDS / _GIGA
    yield (
        "calls out of the VPC",
        "network",
        [Charge("nat.processed", calls_out, f"{calls_out:,.0f} GB")],
        (rates.NAT_BYTES,),
    )


def _events(share: float, loads: Loads) -> Iterator[_Use]:
    volume = _mean(loads.events * rates.EVENT_BYTES.value) * share * SECONDS / _GIGA
    copied = [
        Charge("msk.replicated", volume, f"{volume:,.0f} GB to the partner"),
        Charge("transfer.regions", volume, "and its transfer"),
    ]
    yield "events to the partner", "streaming", copied, (rates.EVENT_BYTES,)


def _media(share: float, contract: Contract, loads: Loads) -> Iterator[_Use]:
    seconds = _mean(loads.source_seconds) * share * SECONDS
    stored = seconds * contract.ladder_kbps * 1e3 / 8 / _GIGA
    kept = stored * rates.KEPT_MONTHS.value
    charges = [
        Charge("s3.standard", stored, f"{stored:,.0f} GB of this month"),
        Charge("s3.cold", kept, f"{kept:,.0f} GB of the months before"),
    ]
    yield "renditions stored, and the partner's copy", "media", charges * 2, (rates.KEPT_MONTHS,)
    objects = seconds / contract.segment_seconds * contract.rungs * rates.TRACKS.value
    yield "segments written", "media", [Charge("s3.put", 2 * objects, f"{objects:,.0f} objects, twice")], ()
    copied = [
        Charge("transfer.regions", stored, f"{stored:,.0f} GB to the partner"),
        Charge("s3.replication-time", stored, "within a quarter of an hour"),
    ]
    yield "renditions to the partner", "media", copied, ()
    misses = _mean(loads.viewers * rates.TRACKS.value / contract.segment_seconds) * share * rates.MISSES.value * SECONDS
    yield "segments read by the CDN", "media", [Charge("s3.get", misses, f"{misses:,.0f} reads")], (rates.MISSES,)


def _rows(region: Region, plan: Plan, loads: Loads) -> Iterator[_Use]:
    written = (
        _mean(rates.COUNTER_ROWS.value * loads.events * rates.WAL_BYTES.value)
        * home_share(region.name)
        * SECONDS
        / _GIGA
    )
    charges = [Charge("transfer.regions", written, f"{written:,.0f} GB of WAL")]
    yield "rows to the partner", "database", charges, (rates.COUNTER_ROWS, rates.WAL_BYTES)
    size = plan.sizes.database_storage
    backups = [Charge("rds.backup", size, f"{size} GiB copied to the partner")]
    yield "backups beyond the free part", "database", backups, ()


def _samples(plan: Plan, contract: Contract) -> Iterator[_Use]:
    """Of the pods that stand there at least; that they are kept, and read by rules, costs cents."""
    pods = sum(bounds.least for bounds in plan.sizes.replicas.values())
    samples = pods * rates.SERIES.value / contract.scrape_seconds * SECONDS
    charges = [
        Charge("aps.collected", samples, f"{samples:,.0f} samples of {pods} pods"),
        Charge("aps.ingested", samples, "and kept"),
    ]
    yield "samples of metrics", "observability", charges, (rates.SERIES,)
