"""Where reads of the databases went, and which writers are silent, as metrics. Owns their names; counts nothing itself."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.common.shards import ShardRouter


class ReadMetrics(Collector):
    """Asks the router at each scrape."""

    def __init__(self, router: ShardRouter) -> None:
        self._router = router

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        counts = self._router.reads
        reads = CounterMetricFamily("meridian_reads", "Reads by what answered them.", labels=("by",))
        reads.add_metric(("writer",), counts.writer)
        reads.add_metric(("replica",), counts.replica - counts.alone)
        reads.add_metric(("replica_alone",), counts.alone)
        yield reads
        silent = GaugeMetricFamily(
            "meridian_writer_silent_seconds",
            "How long the writer of a home has been silent; its replicas answer meanwhile. 0 if it answers.",
            labels=("home",),
        )
        for home, seconds in self._router.silent().items():
            silent.add_metric((home,), seconds)
        yield silent
