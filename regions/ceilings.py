"""What the plan needs of every quota, region by region, and in plain words where it needs more than there is.

Owns the needs. Limits are in ``quotas``, the plan comes from ``capacity``. Nothing here changes a size: a quota that is
too low is asked for, or the design changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from regions import rates
from regions.capacity import Plan
from regions.catalogue import AZS_PER_REGION, CATALOGUE, Catalogue, ResidencyZone
from regions.figures import Basis, Figure, weakest
from regions.loads import HEADLINE, Loads, visitors, worst
from regions.machines import BROKERS, recommended_partitions
from regions.quotas import QUOTAS, Quota
from regions.sizing import Contract
from regions.stores import outward

EVERYWHERE = "platform"
RECONNECT_SECONDS = 10
"""How fast clients come back to a broker that restarts, spread by jitter."""
_MEBI = 2**20


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One quota beside what is needed of it."""

    place: str
    """A region's name, or ``platform``."""
    name: str
    """In ``quotas.QUOTAS``."""
    need: float
    """At the headline with one region lost, and the headroom, in the quota's unit."""
    limit: float
    quota: Quota
    why: str
    """How the need comes about."""
    figures: tuple[Figure, ...]

    @property
    def margin(self) -> float:
        """Limit over need: below 1 the plan breaks."""
        return self.limit / self.need

    @property
    def basis(self) -> Basis:
        """That of the weakest figure."""
        return weakest(figure.basis for figure in (*self.figures, self.quota.limit))


def ceilings(
    plans: Sequence[Plan], contract: Contract, loads: Loads = HEADLINE, catalogue: Catalogue = CATALOGUE
) -> tuple[Ceiling, ...]:
    """Every quota that a load comes near to, the platform's first, then region by region."""
    found = [*_delivery(contract, loads), *_account(plans, catalogue)]
    database_pods = sum(
        plan.sizes.replicas[name].least for plan in plans for name, pod in contract.pods.items() if pod.database
    )
    for plan in plans:
        share = worst(plan.region, lambda name, lost: visitors(name, lost, catalogue), catalogue).value
        found += _origin(plan.region, share, contract, loads)
        found += _kafka(plan, contract, catalogue)
        found += _cluster(plan, contract)
        found += _stores(plan, database_pods, contract, catalogue)
        found += _region(plan.region, share, contract, loads)
    return tuple(found)


def broken(found: Sequence[Ceiling]) -> tuple[Ceiling, ...]:
    """Those that need more than there is, the worst first."""
    return tuple(sorted((ceiling for ceiling in found if ceiling.margin < 1), key=lambda ceiling: ceiling.margin))


_HOW = {
    "request": "Ask Service Quotas for it",
    "support": "Only AWS itself can agree to it",
    "design": "It cannot be raised",
}


def words(found: Sequence[Ceiling]) -> tuple[str, ...]:
    """A sentence for each quota that is too low, the worst first: where, by how much, and what to do."""
    sentences = []
    for name in dict.fromkeys(ceiling.name for ceiling in broken(found)):
        places = [ceiling for ceiling in broken(found) if ceiling.name == name]
        first = places[0]
        unit = first.quota.limit.unit
        needs = ", ".join(f"{ceiling.place} {ceiling.need:,.0f}" for ceiling in places)
        sentences.append(
            f"{name}: {first.limit:,.0f} {unit} for each {first.quota.of}; needed: {needs}; that is up to "
            f"{1 / first.margin:,.1f} times as much ({first.why}). {_HOW[first.quota.raised_by]}; "
            f"{first.quota.remedy}."
        )
    return tuple(sentences)


def _one(place: str, name: str, need: float, why: str, *figures: Figure, limit: float | None = None) -> Ceiling:
    quota = QUOTAS[name]
    return Ceiling(place, name, need, quota.limit.value if limit is None else limit, quota, why, figures)


def _delivery(contract: Contract, loads: Loads) -> Iterator[Ceiling]:
    """Of the one distribution that carries media: it is the same one in the whole world."""
    gigabits = loads.viewers * rates.BITRATE.value / 1_000
    yield _one(
        EVERYWHERE, "cloudfront bandwidth", gigabits,
        f"{loads.viewers:,.0f} viewers at {rates.BITRATE.value} Mb/s through one distribution", rates.BITRATE,
    )  # fmt: skip
    requests = loads.viewers * rates.TRACKS.value / contract.segment_seconds
    yield _one(
        EVERYWHERE, "cloudfront requests", requests,
        f"{loads.viewers:,.0f} viewers, {rates.TRACKS.value:g} objects each {contract.segment_seconds:g} s", rates.TRACKS,
    )  # fmt: skip


def _account(plans: Sequence[Plan], catalogue: Catalogue) -> Iterator[Ceiling]:
    brokers = sum(plan.sizes.brokers_per_zone * AZS_PER_REGION for plan in plans)
    yield _one(EVERYWHERE, "msk brokers", brokers, f"{len(plans)} clusters in one account")
    copied = sum(region.partner != region.name for region in catalogue.regions)
    yield _one(EVERYWHERE, "msk replicators", copied, "one for each region, to its partner")


def _origin(region: str, share: float, contract: Contract, loads: Loads) -> Iterator[Ceiling]:
    scale = share * rates.HEADROOM.value
    reads = loads.viewers * rates.TRACKS.value / contract.segment_seconds * rates.MISSES.value * scale
    prefixes = contract.media_prefixes
    yield _one(
        region, "s3 reads", reads / prefixes,
        f"{rates.MISSES.value:.0%} of segments miss, {reads:,.0f} a second over {prefixes} prefixes",
        rates.TRACKS, rates.MISSES, rates.HEADROOM,
    )  # fmt: skip
    objects = rates.TRACKS.value * contract.rungs * loads.source_seconds / contract.segment_seconds * scale
    yield _one(
        region, "s3 writes", objects / prefixes,
        f"segments of every rung, picture and sound, over {prefixes} prefixes", rates.TRACKS, rates.HEADROOM,
    )  # fmt: skip


def _kafka(plan: Plan, contract: Contract, catalogue: Catalogue) -> Iterator[Ceiling]:
    sizes, here = plan.sizes, catalogue.get(plan.region)
    brokers = sizes.brokers_per_zone * AZS_PER_REGION
    (incoming,) = (line for line in plan.lines if line.what == "events in, with copies")
    written = incoming.load * incoming.share.value * rates.HEADROOM.value * 1e6 * contract.replication / brokers / _MEBI
    yield _one(
        plan.region, "msk volume throughput", written, f"{contract.replication} copies over {brokers} brokers",
        rates.EVENT_BYTES, rates.HEADROOM,
    )  # fmt: skip
    clients = sum(sizes.replicas[name].most for name, pod in contract.pods.items() if pod.kafka)
    connections = clients * rates.CLIENT_CONNECTIONS.value
    yield _one(
        plan.region, "msk connections", connections, f"{clients} pods connect to every broker", rates.CLIENT_CONNECTIONS
    )
    yield _one(
        plan.region, "msk new connections", connections / RECONNECT_SECONDS,
        f"a broker restarts and all come back within {RECONNECT_SECONDS} s", rates.CLIENT_CONNECTIONS,
    )  # fmt: skip
    sources = sum(catalogue.replicates_to(source, here) for source in catalogue.regions)
    partitions = contract.topics * contract.partitions_per_home * len(catalogue.regions) * (1 + sources)
    (machine,) = (one for one in BROKERS if one.name == sizes.broker_class)
    yield _one(
        plan.region, "msk partitions", partitions * contract.replication / brokers,
        f"{partitions} partitions with the partner's, {contract.replication} copies",
        limit=recommended_partitions(machine),
    )  # fmt: skip
    yield _one(plan.region, "msk storage", sizes.broker_max_storage, "retention at the headline", rates.PEAK_TO_MEAN)


def _cluster(plan: Plan, contract: Contract) -> Iterator[Ceiling]:
    pods = sum(bounds.most for bounds in plan.sizes.replicas.values())
    cores = sum(plan.sizes.replicas[name].most * pod.cores for name, pod in contract.pods.items()) / rates.PACKING.value
    machines = ceil(cores / rates.MACHINE_CORES.value)
    figure = rates.MACHINE_CORES
    disks = sum(plan.sizes.replicas[name].most * pod.disk for name, pod in contract.pods.items())
    yield _one(plan.region, "ebs gp3 storage", disks / 1024, "the disks of all transcoders at their most")
    yield _one(plan.region, "eks pods", pods, "every autoscaler at its most", rates.HEADROOM)
    yield _one(plan.region, "eks nodes", machines, f"{cores:,.0f} vCPU on machines of {figure.value:g}", figure)
    smallest = min(pod.cores for pod in contract.pods.values())
    yield _one(
        plan.region, "eks pods of a node", figure.value / smallest, "a machine full of the smallest pods", figure
    )
    yield _one(plan.region, "ec2 vcpu", machines * figure.value, "the cluster's machines", figure, rates.HEADROOM)
    addresses = pods + machines * rates.POD_ADDRESSES.value
    yield _one(plan.region, "pod addresses", addresses, "machines take whole prefixes", rates.POD_ADDRESSES)
    public = plan.sizes.replicas["gateway"].most + plan.sizes.replicas["realtime"].most
    yield _one(plan.region, "alb targets", public, "pods of the gateway and of realtime", rates.HEADROOM)


def _stores(plan: Plan, database_pods: int, contract: Contract, catalogue: Catalogue) -> Iterator[Ceiling]:
    sizes, here = plan.sizes, catalogue.get(plan.region)
    held = database_pods * contract.pool * rates.HELD_CONNECTIONS.value
    yield _one(
        plan.region, "rds connections", held,
        f"{database_pods} pods of all regions, pools of {contract.pool} a quarter used", rates.HELD_CONNECTIONS,
    )  # fmt: skip
    copies = sum(catalogue.replicates_to(source, here) for source in catalogue.regions)
    instances = 1 + sizes.database_replicas + copies + (here.residency is not ResidencyZone.NONE)
    yield _one(plan.region, "rds instances", instances, "writer, readers, resident and the partner's copy")
    nodes = sizes.cache_shards * (1 + sizes.cache_replicas)
    yield _one(plan.region, "elasticache nodes", nodes, f"{sizes.cache_shards} shards", rates.COMMANDS)


def _region(region: str, share: float, contract: Contract, loads: Loads) -> Iterator[Ceiling]:
    scale = share * rates.HEADROOM.value
    yield _one(
        region, "kms signatures", loads.sessions / contract.token_seconds * scale,
        f"every session renews its token each {contract.token_seconds:g} s", rates.HEADROOM,
    )  # fmt: skip
    yield _one(region, "nat bandwidth", outward(loads) * scale / AZS_PER_REGION, "a zone's third", rates.NAT_BYTES)
    yield _one(region, "elastic addresses", AZS_PER_REGION, "a gateway in each zone")
    jobs = loads.source_seconds * scale / rates.CONVERTED.value
    yield _one(region, "mediaconvert jobs", jobs, "if it transcodes instead of ffmpeg", rates.CONVERTED, rates.HEADROOM)
