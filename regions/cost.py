"""What a declared footprint costs a month, and what a change of it does to the bill.

Owns bills and their comparison. Which type is charged by what is in ``charges``, prices are in ``prices``; what
people's use costs (delivery, transfer, transcoding) is in ``usage`` and takes the same form, so both can be added and
compared. Amounts are USD a month on demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from regions import rates
from regions.charges import CHARGED, FILE, FREE, Charge, Inputs, Properties, kind_of
from regions.errors import refusal
from regions.figures import Basis, weakest
from regions.prices import HOURS, LAW, PriceError, price

_AUTOSCALERS = {"HorizontalPodAutoscaler": "minReplicas", "ScaledObject": "minReplicaCount"}
"""Kinds that decide how many pods of a Deployment run, both called as it is, and where they say how many at least."""
TRANSCODER = "transcoder"
"""The workload whose pods are the cost of transcoding."""
MEMORY_OF_CORE = 4 * 2**30
"""Bytes beside each vCPU of the machines that ``ec2.vcpu`` prices."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount a month."""

    usd: float
    basis: Basis
    """That of the weakest price in it."""
    how: str


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Costs nothing by being there."""

    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    """One declared resource."""

    type: str
    """The engine's type token, for example ``aws:rds/instance:Instance``."""
    name: str
    """Unique among those of its type and region; the URN will do."""
    region: str
    """AWS code. Of what has no region: where its charges arise, for example ``us-east-1``."""
    properties: Properties


@dataclass(frozen=True, slots=True)
class Line:
    """One amount of a bill."""

    region: str
    component: str
    what: str
    money: Money

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the line in two bills."""
        return (self.region, self.component, self.what)


@dataclass(frozen=True, slots=True)
class Bill:
    """Amounts; the sum of two bills is the bill of both."""

    lines: tuple[Line, ...]

    def __add__(self, other: Bill) -> Bill:
        return Bill((*self.lines, *other.lines))

    @property
    def usd(self) -> float:
        """The total a month."""
        return sum(line.money.usd for line in self.lines)

    @property
    def assumed(self) -> float:
        """Part of the total that stands on assumed prices or loads, 0 to 1."""
        doubtful = sum(line.money.usd for line in self.lines if line.money.basis is Basis.ASSUMED)
        return doubtful / self.usd if self.usd else 0.0

    def by_component(self) -> Mapping[tuple[str, str], float]:
        """USD by region and component."""
        sums: dict[tuple[str, str], float] = {}
        for line in self.lines:
            place = (line.region, line.component)
            sums[place] = sums.get(place, 0.0) + line.money.usd
        return sums


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the difference between two bills."""

    region: str
    component: str
    what: str
    before: Money | None
    """None: it was not there."""
    after: Money | None
    """None: it is gone."""

    @property
    def usd(self) -> float:
        """After minus before, a month."""
        return (self.after.usd if self.after else 0.0) - (self.before.usd if self.before else 0.0)


@dataclass(frozen=True, slots=True)
class Delta:
    """What a change does to the bill. ``changes`` begins with the largest; what stays the same is not in it."""

    before: float
    after: float
    changes: tuple[Change, ...]

    @property
    def usd(self) -> float:
        """After minus before, a month."""
        return self.after - self.before

    @property
    def basis(self) -> Basis:
        """That of the weakest amount that changed."""
        return weakest(money.basis for change in self.changes for money in (change.before, change.after) if money)


def price_resource(type_token: str, region_code: str, props: Properties) -> Money | Unpriced:
    """What one resource costs a month by being there. Raises `PriceError` for an unknown type, class or region."""
    if type_token.startswith(("pulumi:", "meridian:")):
        return Unpriced("exists in the engine only")
    if type_token.startswith("kubernetes:"):
        return Unpriced("pods cost as machines do: see workloads of a whole bill")
    kind = kind_of(type_token)
    if kind in FREE:
        return Unpriced(FREE[kind])
    if kind not in CHARGED:
        told = f"nothing says what {type_token} costs; add {kind!r} to CHARGED with its charges, or to FREE with the reason"
        raise PriceError(refusal(FILE, LAW, told))
    charges = CHARGED[kind][1](Inputs(type_token, props))
    return total(charges, region_code) if charges else Unpriced("free in this form")


def component_of(type_token: str) -> str:
    """The part of the bill to which a type belongs."""
    charged = CHARGED.get(kind_of(type_token))
    return charged[0] if charged else "other"


def total(charges: Iterable[Charge], region_code: str) -> Money:
    """The sum of ``charges`` in a region. Raises `PriceError`."""
    usd, bases, says = 0.0, [], []
    for charge in charges:
        unit_price = price(charge.key, region_code)
        usd += unit_price.value * charge.quantity
        bases.append(unit_price.basis)
        says.append(charge.says)
    return Money(usd, weakest(bases), "; ".join(says))


def bill(items: Sequence[Item]) -> Bill:
    """What ``items`` cost a month by being there; replicas' storage and pods follow from other items of the list.

    Raises `PriceError`.
    """
    lines = []
    for item in items:
        money = price_resource(item.type, item.region, item.properties)
        if isinstance(money, Money):
            lines.append(Line(item.region, component_of(item.type), f"{kind_of(item.type)} {item.name}", money))
    return Bill(tuple(lines)) + _replica_storage(items) + _pods(items)


def delta(before: Sequence[Item], after: Sequence[Item]) -> Delta:
    """The difference between two footprints, each given whole. Raises `PriceError`."""
    return compare(bill(before), bill(after))


def compare(before: Bill, after: Bill) -> Delta:
    """The difference between two bills of the same kind."""
    old, new = ({line.key: line.money for line in side.lines} for side in (before, after))
    changes = [
        Change(*key, before=old.get(key), after=new.get(key))
        for key in sorted(old.keys() | new.keys())
        if round(old[key].usd if key in old else 0.0, 2) != round(new[key].usd if key in new else 0.0, 2)
    ]
    return Delta(before.usd, after.usd, tuple(sorted(changes, key=lambda change: -abs(change.usd))))


def _replica_storage(items: Sequence[Item]) -> Bill:
    """A read replica has its source's storage and does not say so; without its source in the list it is left out."""
    databases = [item for item in items if kind_of(item.type) == "rds/Instance"]
    sizes = {
        str(item.properties.get("identifier")): Inputs(item.type, item.properties).number("allocatedStorage")
        for item in databases
        if "allocatedStorage" in item.properties
    }
    lines = []
    for item in databases:
        source = str(item.properties.get("replicateSourceDb", "")).rsplit(":", 1)[-1]
        if source in sizes:
            copies = 2 if item.properties.get("multiAz") is True else 1
            money = total(
                [Charge("rds.gp3", copies * sizes[source], f"{sizes[source]:g} GiB like {source}")], item.region
            )
            lines.append(Line(item.region, "database", f"storage of replica {item.name}", money))
    return Bill(tuple(lines))


def _pods(items: Sequence[Item]) -> Bill:
    """Machines for the pods that every autoscaler keeps at least, at what their Deployments request."""
    deployments = {
        (item.region, _object_name(item.properties)): item.properties
        for item in items
        if item.type == "kubernetes:apps/v1:Deployment"
    }
    lines = []
    for item in items:
        if (bound := _AUTOSCALERS.get(item.type.rpartition(":")[2])) is not None:
            name = _object_name(item.properties)
            if (deployment := deployments.get((item.region, name))) is None:
                raise PriceError(f"{item.name}: no Deployment {name!r} in {item.region}, so its pods have no price")
            pods = Inputs(item.type, item.properties).within("spec").number(bound)
            component = "transcoding" if name == TRANSCODER else "cluster"
            rent = machines(pods, _cores(deployment), item.region)
            lines.append(Line(item.region, component, f"pods of {name}", rent))
            if disk := _disk(deployment):
                money = total([Charge("ebs.gp3", pods * disk, f"{pods:g} x {disk:g} GiB")], item.region)
                lines.append(Line(item.region, component, f"disks of {name}", money))
    return Bill(tuple(lines))


def machines(pods: float, cores: float, region_code: str) -> Money:
    """A month of machines for ``pods`` pods of ``cores`` vCPU each, with what Auto Mode adds. Raises `PriceError`."""
    needed = pods * cores / rates.PACKING.value
    rent = total([Charge("ec2.vcpu", needed * HOURS, f"{pods:g} pods x {cores:g} vCPU")], region_code)
    service = price("eks.automode", region_code)
    return Money(rent.usd * (1 + service.value), weakest((rent.basis, service.basis, rates.PACKING.basis)), rent.how)


def _object_name(properties: Properties) -> str:
    return Inputs("Kubernetes object", properties).within("metadata").text("name")


def _disk(deployment: Properties) -> float:
    """GiB of the disks that come and go with one pod."""
    template = Inputs("Deployment", deployment).within("spec", "template", "spec")
    volumes = template.values.get("volumes")
    claims = [
        Inputs("volume", volume).within("ephemeral", "volumeClaimTemplate", "spec", "resources", "requests")
        for volume in (volumes if isinstance(volumes, Sequence) else ())
        if isinstance(volume, Mapping) and "ephemeral" in volume
    ]
    return sum(quantity(claim.text("storage")) for claim in claims) / 2**30


def _cores(deployment: Properties) -> float:
    """vCPU that a machine gives up for one pod: the requests of its containers, or their share by memory."""
    containers = Inputs("Deployment", deployment).within("spec", "template", "spec").values.get("containers")
    if not isinstance(containers, Sequence):
        raise PriceError(f"{_object_name(deployment)}: a Deployment without containers has no price")
    requests = [Inputs("container", container).within("resources", "requests") for container in containers]
    cpu = sum(quantity(request.text("cpu")) for request in requests)
    memory = sum(quantity(request.text("memory")) for request in requests)
    return max(cpu, memory / MEMORY_OF_CORE)


_SUFFIXES = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9}


def quantity(text: str) -> float:
    """A quantity as Kubernetes writes it: ``500m`` is 0.5, ``4Gi`` is 2**32. Raises `PriceError`."""
    for suffix, factor in _SUFFIXES.items():
        if text.endswith(suffix) and text.removesuffix(suffix).replace(".", "", 1).isdigit():
            return float(text.removesuffix(suffix)) * factor
    if not text.replace(".", "", 1).isdigit():
        raise PriceError(f"{text!r} is no quantity of Kubernetes; write for example 500m, 2 or 4Gi")
    return float(text)
