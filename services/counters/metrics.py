"""What counters tell Prometheus. Owns the names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.contracts.load import LAG
from services.counters.store import Flush

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class CounterMetrics:
    """Counters by topic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        topic = ("topic",)
        self.records = Counter("meridian_counter_records", "Records judged.", ("topic", "verdict"), registry=registry)
        self.fenced = Counter("meridian_counter_fenced", "Flushes refused: another owner.", topic, registry=registry)
        self.refused = Counter(
            "meridian_counter_refused", "Flushes refused: another term. Alarm above 0.", topic, registry=registry
        )
        self.gaps = Counter("meridian_counter_gaps", "Records that were not the next one.", topic, registry=registry)
        self.stopped = Gauge(
            "meridian_counter_stopped_partitions",
            "Partitions that stand still because of a gap or a cut log. Alarm above 0.",
            registry=registry,
        )
        self.stumbled = Counter(
            "meridian_counter_stumbled",
            "Flushes that failed for a reason that waiting does not mend. Alarm above 0.",
            topic,
            registry=registry,
        )
        self.standing = Gauge(
            "meridian_counter_standing_units",
            "1 while the flushes of a topic and home fail so: nothing of it is counted. Alarm above 0.",
            ("topic", "home"),
            registry=registry,
        )
        self.lag = Gauge(
            LAG,
            "Records in the log that this process is to read and has not read. Its autoscaler sums it over all pods.",
            registry=registry,
        )
        self.audited = Counter("meridian_counter_audited", "Partitions audited.", topic, registry=registry)
        self.drift = Gauge(
            "meridian_counter_drift",
            "Differences between the log and the database that the last audits found. Alarm above 0.",
            topic,
            registry=registry,
        )
        self._flushes = Counter("meridian_counter_flushes", "Transactions.", topic, registry=registry)
        self._rows = Counter("meridian_counter_rows", "Rows written, by table.", ("topic", "table"), registry=registry)
        self._seconds = Histogram(
            "meridian_counter_flush_seconds", "Time of a flush.", topic, buckets=_BUCKETS, registry=registry
        )

    def flushed(self, topic: str, flush: Flush, seconds: float) -> None:
        """Notes one committed flush, everything that it wrote counted."""
        self._flushes.labels(topic).inc()
        self._seconds.labels(topic).observe(seconds)
        for table, rows in (
            ("counts", len(flush.rows)),
            ("states", len(flush.states)),
            ("positions", len(flush.moves)),
            ("marks", len(flush.marks)),
            ("pending", len(flush.pending)),
            ("notifications", len(flush.notices)),
            ("dead_letters", len(flush.dead)),
            ("outbox", 1 if flush.rows or flush.states or flush.notices else 0),
        ):
            if rows:
                self._rows.labels(topic, table).inc(rows)
