"""Prices: USD on demand in the reference region, what other regions charge more, and the tiers of delivery.

Owns prices and nothing else; what is charged how is in ``cost`` and ``usage``. Prices without a quoted source are
assumed (list prices as remembered in November 2026), and so is every regional difference that is not quoted.
Committed use, private pricing and free tiers are not here: at the headline loads every bill is negotiated.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from regions.errors import CatalogueError, refusal
from regions.figures import Basis, Figure, assumed, published

HOURS = 730
"""A month, as AWS's own calculators count it."""
REFERENCE = "us-west-2"
FILE = "regions/prices.py"
LAW = "COST-3"
"""By which whoever declares something that has no price is told so."""

_LIST = "AWS list price as remembered, November 2026"
_RDS = "https://www.usage.ai/blogs/aws/reserved-instances/rds/pricing-calculator/ read 2026-11-23, for us-east-1"
_RDS_R8G = (
    "https://www.usage.ai/blogs/aws/reserved-instances/rds/postgresql/read-replicas/ read 2026-11-23, "
    "us-east-1, db.r8g.xlarge 0.478 an hour"
)
_NAT = "https://cloudpipelines.pages.dev/guides/aws-nat-gateway-pricing-2026/ read 2026-11-23"
_TRANSFER = "https://leanopstech.com/blog/aws-data-transfer-pricing-2026/ read 2026-11-23"
_EKS = "https://www.factualminds.com/blog/amazon-eks-pricing-control-plane-addons-auto-mode/ read 2026-11-23, June 2026"
_LOGS = (
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/ read 2026-11-23, "
    "June 2026"
)
_KMS = "https://cloudburn.io/blog/aws-kms-pricing read 2026-11-23, March 2026"
_WAF = "https://c3x.dev/blog/aws-waf-cost-explained/ read 2026-11-23"
_WAF_ALIKE = (
    "the same in all regions: https://aws.amazon.com/blogs/networking-and-content-delivery/"
    "cost-effective-ways-for-securing-your-web-applications-using-aws-waf/ read 2026-11-23"
)
_ROUTE53 = "https://ns1.com/resources/aws-dns read 2026-11-23"
_CLOUDFRONT = "https://aws.amazon.com/cloudfront/pricing read 2026-11-23"

_HOUR, _GB, _GB_MONTH, _MONTH = "USD/hour", "USD/GB", "USD/GB-month", "USD/month"

PRICES: Mapping[str, Figure] = MappingProxyType(
    {
        "rds.r8g.large": published(0.239, _HOUR, _RDS_R8G),
        "rds.gp3": published(0.115, _GB_MONTH, _RDS),
        "rds.backup": published(0.095, _GB_MONTH, _RDS),
        "elasticache.r8g.large": assumed(0.1752, _HOUR, f"{_LIST}: Valkey, a fifth below Redis"),
        "msk.m7g.large": assumed(0.204, _HOUR, _LIST),
        "msk.storage": assumed(0.10, _GB_MONTH, _LIST),
        "msk.connectivity": assumed(0.0225, _HOUR, f"{_LIST}: private connectivity, for each cluster and scheme"),
        "msk.replicator": assumed(0.30, _HOUR, _LIST),
        "msk.replicated": assumed(0.08, _GB, _LIST),
        "eks.cluster": published(0.10, _HOUR, f"{_EKS}: a version in standard support"),
        "eks.automode": published(0.12, "of the machine's price", f"{_EKS}: about 12 % on top of EC2"),
        "ec2.vcpu": assumed(0.0408, "USD/vCPU-hour", f"{_LIST}: m7g, 4 GiB for each vCPU"),
        "ebs.gp3": assumed(0.08, _GB_MONTH, _LIST),
        "nat.gateway": published(0.045, _HOUR, _NAT),
        "nat.processed": published(0.045, _GB, _NAT),
        "ipv4.address": assumed(0.005, _HOUR, _LIST),
        "endpoint.zone": assumed(0.01, _HOUR, f"{_LIST}: interface endpoint, for each zone"),
        "alb.balancer": assumed(0.0225, _HOUR, _LIST),
        "alb.lcu": assumed(0.008, "USD/LCU-hour", _LIST),
        "kms.key": published(1.0, _MONTH, _KMS),
        "kms.sign": assumed(0.000015, "USD/request", f"{_LIST}: asymmetric, but for RSA 2048"),
        "secret": assumed(0.40, _MONTH, _LIST),
        "alarm": assumed(0.10, _MONTH, _LIST),
        "aps.collector": assumed(0.04, _HOUR, _LIST),
        "aps.collected": assumed(0.03e-7, "USD/sample", f"{_LIST}: by the managed collector, 0.03 for 10 million"),
        "aps.ingested": assumed(0.90e-7, "USD/sample", f"{_LIST}: 0.90 for 10 million, the dearest step of three"),
        "logs.ingested": published(0.50, _GB, _LOGS),
        "logs.stored": assumed(0.03, _GB_MONTH, _LIST),
        "waf.acl": published(5.0, _MONTH, f"{_WAF}; {_WAF_ALIKE}"),
        "waf.rule": published(1.0, _MONTH, f"{_WAF}; {_WAF_ALIKE}"),
        "waf.request": published(0.60e-6, "USD/request", f"{_WAF}; {_WAF_ALIKE}"),
        "route53.zone": published(0.50, _MONTH, f"{_ROUTE53}: of the first 25"),
        "route53.check": assumed(0.50, _MONTH, f"{_LIST}: a check of an AWS endpoint, or of other checks"),
        "route53.check.option": assumed(1.0, _MONTH, f"{_LIST}: HTTPS, matching of text, or fast interval, each"),
        "route53.query": assumed(0.70e-6, "USD/query", f"{_LIST}: geolocation"),
        "ecr.stored": assumed(0.10, _GB_MONTH, _LIST),
        "s3.standard": assumed(0.023, _GB_MONTH, _LIST),
        "s3.cold": assumed(0.004, _GB_MONTH, f"{_LIST}: archive instant access tier"),
        "s3.put": assumed(5e-6, "USD/request", _LIST),
        "s3.get": assumed(0.4e-6, "USD/request", _LIST),
        "s3.replication-time": assumed(0.015, _GB, _LIST),
        "transfer.zones": published(0.01, _GB, _TRANSFER),
        "transfer.regions": published(
            0.02,
            _GB,
            "https://www.redresscompliance.com/aws-inter-region-transfer-costs-multiregion.html read 2026-11-23",
        ),
        "transfer.internet": published(0.05, _GB, f"{_TRANSFER}: over 150 TB a month"),
        "cloudfront.request": assumed(0.01e-4, "USD/request", f"{_LIST}: HTTPS, 0.0100 for 10,000 in North America"),
        "cloudfront.function": assumed(0.10e-6, "USD/invocation", _LIST),
        "mediaconvert.minute": assumed(0.0075, "USD/normalized minute", f"{_LIST}: basic tier, first volume step"),
    }
)
"""In the reference region. Sizes of a class cost in proportion: xlarge is two large."""

WORLDWIDE: frozenset[str] = frozenset({"route53.zone", "waf.acl", "waf.rule", "waf.request"})
"""Prices that no region's factor changes."""

FACTORS: Mapping[str, Figure] = MappingProxyType(
    {
        "us-west-2": published(1.0, "times", "the reference itself"),
        "us-east-1": assumed(1.0, "times", "most services cost the same in both"),
        "ap-south-1": assumed(1.06, "times", "mean over services, as remembered"),
        "eu-central-1": assumed(1.19, "times", "mean over services, as remembered"),
        "sa-east-1": assumed(1.55, "times", "mean over services, as remembered"),
        "ap-southeast-1": assumed(1.22, "times", "mean over services, as remembered"),
    }
)
"""Regions of the catalogue, and São Paulo, the next one that is thought of. What a region charges in comparison with the reference, unless ``REGIONAL`` knows better."""

REGIONAL: Mapping[tuple[str, str], Figure] = MappingProxyType(
    {
        ("transfer.regions", "ap-south-1"): assumed(0.086, _GB, _LIST),
        ("transfer.regions", "ap-southeast-1"): assumed(0.09, _GB, _LIST),
        ("transfer.regions", "eu-central-1"): assumed(0.02, _GB, _LIST),
        ("transfer.internet", "ap-south-1"): assumed(0.08, _GB, _LIST),
        ("transfer.internet", "ap-southeast-1"): assumed(0.08, _GB, _LIST),
        ("transfer.zones", "ap-south-1"): assumed(0.01, _GB, _LIST),
        ("transfer.zones", "ap-southeast-1"): assumed(0.01, _GB, _LIST),
        ("transfer.zones", "eu-central-1"): assumed(0.01, _GB, _LIST),
    }
)
"""Prices of one region that differ otherwise than by its factor."""

Tiers = tuple[tuple[float, Figure], ...]
"""Steps of a monthly volume: up to so many GB (ascending, the last is endless), at so much a GB."""

_STEPS_GB = (10e3, 50e3, 150e3, 500e3, 1_024e3, 5_120e3, float("inf"))


def _delivery(*usd: float) -> Tiers:
    return tuple((limit, published(price, _GB, _CLOUDFRONT)) for limit, price in zip(_STEPS_GB, usd, strict=True))


DELIVERY: Mapping[str, Tiers] = MappingProxyType(
    {
        "us-west-2": _delivery(0.085, 0.080, 0.060, 0.040, 0.030, 0.025, 0.020),
        "eu-central-1": _delivery(0.085, 0.080, 0.060, 0.040, 0.030, 0.025, 0.020),
        "ap-southeast-1": _delivery(0.120, 0.100, 0.095, 0.090, 0.080, 0.070, 0.060),
        "sa-east-1": _delivery(0.110, 0.105, 0.090, 0.080, 0.060, 0.050, 0.040),
        "ap-south-1": _delivery(0.109, 0.085, 0.082, 0.080, 0.078, 0.075, 0.072),
    }
)
"""CloudFront's price of a GB to viewers of the geography around each region."""


class PriceError(CatalogueError):
    """A price is missing. The message names file, key and remedy."""


def price(key: str, region_code: str) -> Figure:
    """The price ``key`` in a region, by AWS code. Raises `PriceError` for a key or region without one."""
    if key not in PRICES:
        told = (
            f"PRICES has no {key!r}; add it with its unit and source, or use a class that is there: "
            f"{', '.join(sorted(PRICES))}"
        )
        raise PriceError(refusal(FILE, LAW, told))
    exact = REGIONAL.get((key, region_code))
    if exact is not None:
        return exact
    if region_code not in FACTORS:
        told = (
            f"FACTORS has no {region_code!r}, so nothing in it can be priced; add what the region charges in comparison "
            f"with {REFERENCE}, with its source"
        )
        raise PriceError(refusal(FILE, LAW, told))
    base, factor = PRICES[key], FACTORS[region_code]
    if base.unit.startswith("of ") or key in WORLDWIDE:
        return base
    quoted = factor.value == 1.0 or Basis.ASSUMED not in (base.basis, factor.basis)
    return Figure(
        value=base.value * factor.value,
        unit=base.unit,
        basis=base.basis if quoted else Basis.ASSUMED,
        source=base.source if factor.value == 1.0 else f"{base.source}; times {factor.value} ({factor.source})",
    )


def delivery(region_code: str) -> Tiers:
    """CloudFront's steps for the viewers around a region. Raises `PriceError`."""
    if region_code not in DELIVERY:
        told = f"DELIVERY has no {region_code!r}; add the column of {_CLOUDFRONT.split()[0]} for the viewers around it"
        raise PriceError(refusal(FILE, LAW, told))
    return DELIVERY[region_code]
