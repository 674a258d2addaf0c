"""The page ``docs/footprint.md``: what is where, from the catalogue, the plan of capacity and the stacks' own source.

Owns the page's form. Every number and name on it comes from somewhere else; a test fails when the page is not what this
makes of them. ``python -m ops.footprint`` writes it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from ops.commands import capacity
from policies import offered
from regions import standing, usage
from regions.addresses import plans as address_plans
from regions.buckets import BUCKETS, SHARD_MAP
from regions.capacity import plans
from regions.catalogue import CATALOGUE, Catalogue
from regions.ceilings import Ceiling, ceilings, words
from regions.countries import CONTINENT_NAMES
from regions.figures import share_assumed
from regions.loads import HEADLINE, visitors, worst
from regions.offers import ZONES
from regions.stacks import links, stack_order
from regions.steering import STEERING, chain
from services.contracts.demand import CONTRACT

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "footprint.md"
STACKS = ROOT / "stacks"
SERVICES = ("APS", "EKS", "ElastiCache", "Grafana", "MSK", "MediaConvert", "RDS", "WAFv2", "XRay")
"""What the platform uses or might: the rows of the table of capabilities, as CloudFormation names them."""

Row = Sequence[str]


def page(catalogue: Catalogue = CATALOGUE, sources: Path = STACKS) -> str:
    """The whole page, with a newline at its end."""
    parts = (
        "# The footprint",
        "Written by `make footprint` from `regions/` and `stacks/`; a test fails when it is out of date. Do not edit.",
        "## Map",
        _map(catalogue),
        "Arrows: who holds whose copies and takes over first. Every pair of regions is peered.",
        "## Regions",
        _table(
            ("region", "AWS code", "zones", "network", "partner", "residency", "people", "with one region lost"),
            _regions(catalogue),
        ),
        "## Capabilities",
        "From CloudFormation's region data and `regions/offers.py`. What a region lacks stops a preview (OFF-1 to OFF-4).",
        _table(("what", *catalogue.names), _capabilities(catalogue)),
        "## Steering",
        "The most specific record wins: country, continent, default. Behind each region stands its chain.",
        _table(("region", "continents and countries", "then"), _steering(catalogue)),
        "## Buckets",
        _table(("buckets", "home", "writer", "term"), _buckets()),
        "## Stacks",
        _stacks(catalogue),
        _table(("file", "subject", "resource types"), _inventory(sources)),
        "## Sizes",
        "From the headline loads, the largest share that the loss of any one region sends, rates and headroom: "
        "`meridian capacity` shows the arithmetic.",
        _table(("part", *catalogue.names), _sizes(catalogue)),
        "## Pods",
        "Least and most of each autoscaler: least carries a lost region without starting anything.",
        _table(("workload", *catalogue.names), _pods(catalogue)),
        "## What the headlines need beyond the quotas of a new account",
        "\n".join(f"- {sentence}" for sentence in words(_ceilings(catalogue))),
        "## Cost",
        "USD a month on demand at the headline loads, before any agreement, without what every cell has at any load.",
        _table(("part", *catalogue.names), _cost(catalogue)),
        _assumed(catalogue),
    )
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def _table(columns: Row, rows: Iterator[Row]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _map(catalogue: Catalogue) -> str:
    lines = ["```mermaid", "flowchart LR", '  dns(("DNS by country"))', '  cdn(("CloudFront"))']
    lines += [f'  {region.name}["{region.title}<br/>{region.code}"]' for region in catalogue.regions]
    for region in catalogue.regions:
        lines.append(f"  dns -- {region.weight:.0%} --> {region.name}")
        lines.append(f"  cdn -. media .-> {region.name}")
        lines.append(f"  {region.name} == copies ==> {region.partner}")
    return "\n".join([*lines, "```"])


def _regions(catalogue: Catalogue) -> Iterator[Row]:
    networks = address_plans(catalogue)
    for region in catalogue.regions:
        share = worst(region.name, lambda name, lost: visitors(name, lost, catalogue), catalogue)
        yield (
            region.name,
            region.code,
            ", ".join(region.zone_ids),
            str(networks[region.name].vpc),
            region.partner,
            region.residency.value,
            f"{share.normal:.0%}",
            f"{share.value:.0%}" + (f" ({share.lost})" if share.lost else ""),
        )


def _capabilities(catalogue: Catalogue) -> Iterator[Row]:
    codes = [region.code for region in catalogue.regions]
    yield "zones", *(str(len(ZONES[code])) if code in ZONES else "not known" for code in codes)
    yield "classes for PostgreSQL", *(str(len(offered.database_classes(code) or ())) for code in codes)
    yield "cache nodes", *(str(len(offered.cache_nodes(code) or ())) for code in codes)
    every = frozenset[str]().union(*(offered.services(code) for code in codes))
    yield "services", *(str(len(offered.services(code))) for code in codes)
    yield "services that only others have", *(str(len(every - offered.services(code))) for code in codes)
    for service in SERVICES:
        yield service, *("yes" if service in offered.services(code) else "**no**" for code in codes)


def _steering(catalogue: Catalogue) -> Iterator[Row]:
    for name in catalogue.names:
        continents = [CONTINENT_NAMES[code] for code, region in STEERING.continents.items() if region == name]
        countries = sorted(code for code, region in STEERING.countries.items() if region == name)
        default = ["everybody else"] if STEERING.default == name else []
        yield (
            name,
            "; ".join([*continents, *([", ".join(countries)] if countries else []), *default]),
            " → ".join(chain(name, catalogue)[1:]),
        )


def _buckets() -> Iterator[Row]:
    for part in SHARD_MAP.ranges:
        yield f"{part.start}-{part.stop - 1} of {BUCKETS}", part.home, part.writer, str(part.term)


def _stacks(catalogue: Catalogue) -> str:
    waves = stack_order(catalogue)
    return (
        "In waves; those of one wave may be deployed in any order: "
        + "; then ".join(", ".join(f"`{stack}`" for stack in wave) for wave in waves)
        + f". Of the {len(links(catalogue))} links, {sum(bool(link.replications) for link in links(catalogue))} "
        "hold copies."
    )


def _inventory(sources: Path) -> Iterator[Row]:
    """Each file that declares resources, its first sentence, and the types that it declares."""
    for path in sorted(sources.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        types = sorted(_declared(tree))
        if types:
            subject = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ").split(". ")[0].rstrip(".")
            yield f"`{path.stem}`", subject, ", ".join(types)


def _declared(tree: ast.Module) -> set[str]:
    """``service.Type`` of every AWS resource that a module makes: calls of a class of a service, not of its arguments."""
    found = set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner, kind = node.func.value, node.func.attr
        if not kind[0].isupper() or kind.endswith("Args"):
            continue
        if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "aws":
            found.add(f"{owner.attr}.{kind}")
        elif isinstance(owner, ast.Name) and owner.id in _aliases(tree):
            found.add(f"{owner.id}.{kind}")
    return found


def _aliases(tree: ast.Module) -> set[str]:
    """Names that stand for a service of the AWS package, as in ``msk = aws.msk``."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Attribute)
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id == "aws"
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _sizes(catalogue: Catalogue) -> Iterator[Row]:
    every = [plan.sizes for plan in plans(CONTRACT, HEADLINE, catalogue)]
    yield "database", *(f"{one.database_class} (two zones), {one.database_replicas} readers" for one in every)
    yield "database storage", *(f"{one.database_storage}-{one.database_max_storage} GiB" for one in every)
    yield (
        "resident database",
        *(
            f"{one.resident_class}, {one.resident_storage} GiB" if region.residency.value != "none" else "-"
            for one, region in zip(every, catalogue.regions, strict=True)
        ),
    )
    yield "cache", *(f"{one.cache_shards} x {1 + one.cache_replicas} {one.cache_node}" for one in every)
    yield "brokers", *(f"{one.brokers_per_zone} a zone, {one.broker_class}" for one in every)
    yield "broker storage", *(f"{one.broker_storage}-{one.broker_max_storage} GiB each" for one in every)


def _pods(catalogue: Catalogue) -> Iterator[Row]:
    every = [plan.sizes.replicas for plan in plans(CONTRACT, HEADLINE, catalogue)]
    for name in CONTRACT.pods:
        yield name, *(f"{bounds[name].least}-{bounds[name].most}" for bounds in every)


def _ceilings(catalogue: Catalogue) -> tuple[Ceiling, ...]:
    return ceilings(plans(CONTRACT, HEADLINE, catalogue), CONTRACT, HEADLINE, catalogue)


def _cost(catalogue: Catalogue) -> Iterator[Row]:
    every = plans(CONTRACT, HEADLINE, catalogue)
    bill = standing.monthly(every, CONTRACT, catalogue) + usage.monthly(every, CONTRACT, HEADLINE, catalogue)
    sums = bill.by_component()
    for part in sorted({component for _, component in sums}):
        yield part, *(f"{sums.get((region.code, part), 0):,.0f}" for region in catalogue.regions)
    totals = [sum(usd for (code, _), usd in sums.items() if code == region.code) for region in catalogue.regions]
    yield "all", *(f"{total:,.0f}" for total in totals)


def _assumed(catalogue: Catalogue) -> str:
    figures = capacity.figures_of(plans(CONTRACT, HEADLINE, catalogue), _ceilings(catalogue))
    return f"{share_assumed(figures):.0%} of the {len(figures)} rates, quotas and prices behind this page are assumed."


if __name__ == "__main__":
    main()
