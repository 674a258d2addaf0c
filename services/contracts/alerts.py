"""What the services' own metrics ring for: one table of alerts. Pure.

Owns expressions (PromQL), durations, severities, and what each one means and asks for. Does not own the metrics: their
names stand with the services, and a test holds every name here against what a service really exports. What AWS measures
by itself (balancer, databases, brokers) rings elsewhere (``stacks/observability``).

Samples come once in `SCRAPE_SECONDS`, so that a rate looks back over at least five of them. The label ``workload`` is
put on by the collector (``stacks/metrics``); ``instance`` is the pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.contracts.load import CONNECTIONS, LAG

SCRAPE_SECONDS: Final = 60
"""How often each pod is asked. The managed collector takes 30 s at least."""
JOB: Final = "meridian"
"""The collector's job: label ``job`` of every sample."""
PREFIX: Final = "meridian_"
"""Beginning of the name of every metric of ours; others are not kept."""
RUNBOOK: Final = "docs/alarms.md"
_RECENT: Final = 15
"""Minutes for which something that happened once goes on ringing."""
_WINDOW: Final = 5
"""Minutes over which rates are taken."""


class Severity(StrEnum):
    """Who looks at it, and when."""

    PAGE = "page"
    """Somebody, now."""
    TICKET = "ticket"
    """Somebody, in working hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule."""

    name: str
    """In CamelCase, as Prometheus has it; also the anchor in the runbook."""
    expression: str
    """PromQL; rings for each series of its result."""
    severity: Severity
    means: str
    """What users see, or what is no longer true."""
    remedy: str
    """The first thing to do."""
    minutes: int = 0
    """How long the expression must hold."""

    @property
    def runbook(self) -> str:
        """Where the remedy is read, below the checkout."""
        return f"{RUNBOOK}#{self.name.lower()}"


def _risen(counter: str, *by: str) -> str:
    """``counter`` grew within the last quarter of an hour.

    ``increase`` alone does not see the first event of a labelled counter: its series begins with a 1 and has nothing to
    be compared with. So a series that is new and not 0 counts as grown; one that was not seen for less than two hours
    (the collector was away) is not new.
    """
    labels = ", ".join(by)
    return (
        f"sum by ({labels}) (increase({counter}[{_RECENT}m])) > 0"
        f" or sum by ({labels}) ({counter} unless last_over_time({counter}[2h] offset {_RECENT}m)) > 0"
    )


def _rate(counter: str, *by: str) -> str:
    labels = f" by ({', '.join(by)})" if by else ""
    return f"sum{labels} (rate({counter}[{_WINDOW}m]))"


_COUNTERS: Final = (
    Alert(
        name="CountingStopped",
        expression="max by (instance) (meridian_counter_stopped_partitions) > 0",
        minutes=2,
        severity=Severity.PAGE,
        means="Partitions stand still: a record is missing in the log, or was cut off before it was read. "
        "Nothing of them is counted",
        remedy="Find the partition in the log of the pod. If the record comes no more, `meridian recount` says what is "
        "lost; until then nothing is counted wrongly",
    ),
    Alert(
        name="CountingGap",
        expression=_risen("meridian_counter_gaps_total", "topic"),
        severity=Severity.TICKET,
        means="A record was not the next one of its producer; the partition was read again",
        remedy="If CountingStopped does not follow, it was mended by reading again: look for a broker that lost its "
        "leader at that time",
    ),
    Alert(
        name="CountingDrift",
        expression="max by (topic) (meridian_counter_drift) > 0",
        severity=Severity.PAGE,
        means="An audit found counts that are not what the log says: people see wrong numbers",
        remedy="`meridian recount --all` names the subjects; do not flush, promote or purge before it is understood",
    ),
    Alert(
        name="AuditSilent",
        expression=(
            "sum(increase(meridian_counter_audited_total[30m])) == 0 or absent(meridian_counter_audited_total)"
        ),
        minutes=30,
        severity=Severity.TICKET,
        means="No partition was audited for an hour: drift would not be seen",
        remedy="Look for errors of the audit in the logs of counters",
    ),
    Alert(
        name="FlushesRefused",
        expression=_risen("meridian_counter_refused_total", "topic"),
        severity=Severity.PAGE,
        means="A process counts under another term than its database has: its flushes are refused, nothing is lost",
        remedy="Compare the record of promotions with the databases' terms, and bring the settings of both cells to it",
    ),
    Alert(
        name="FlushesStumbled",
        expression=_risen("meridian_counter_stumbled_total", "topic"),
        severity=Severity.TICKET,
        means="A flush failed for a reason that waiting does not mend",
        remedy="The pod's log has the database's words; if UnitStanding follows, that comes first",
    ),
    Alert(
        name="UnitStanding",
        expression="max by (topic, home) (meridian_counter_standing_units) > 0",
        minutes=2,
        severity=Severity.PAGE,
        means="Every flush of a topic and home fails: nothing of it is counted",
        remedy="The pod's log has the database's words: a missing migration, a right, a constraint",
    ),
    Alert(
        name="DeadLetters",
        expression=_risen('meridian_counter_rows_total{table="dead_letters"}', "topic"),
        severity=Severity.TICKET,
        means="Events could not be counted and were put aside with their reason",
        remedy="`meridian dlq list`, then `meridian dlq show`; replay after the cause is mended",
    ),
    Alert(
        name="CountingBehind",
        expression=f"sum({LAG}) / clamp_min({_rate('meridian_counter_records_total')}, 1) > 600",
        minutes=10,
        severity=Severity.PAGE,
        means="At the present pace what waits in the log takes more than ten minutes: counts are old",
        remedy="Are there as many pods of counters as the autoscaler wants? Is a database slow (FlushesSlow)?",
    ),
    Alert(
        name="FlushesSlow",
        expression=(
            f"{_rate('meridian_counter_flush_seconds_sum', 'topic')}"
            f" / {_rate('meridian_counter_flush_seconds_count', 'topic')} > 1.5"
        ),
        minutes=10,
        severity=Severity.TICKET,
        means="A flush takes more than 1.5 s on average, which is what the largest may take",
        remedy="Look at the writer: disk, locks, autovacuum; then at the size of the windows",
    ),
)

_GATEWAY_REQUESTS: Final = "meridian_gateway_requests_total"
_GATEWAY: Final = (
    Alert(
        name="GatewayErrors",
        expression=(
            _rate(f'{_GATEWAY_REQUESTS}{{status="5xx"}}') + f" / clamp_min({_rate(_GATEWAY_REQUESTS)}, 1) > 0.01"
        ),
        minutes=5,
        severity=Severity.PAGE,
        means="One request in a hundred is answered with 5xx",
        remedy="RouteErrors, BreakerOpen and ServiceErrors say where",
    ),
    Alert(
        name="RouteErrors",
        expression=(
            _rate(f'{_GATEWAY_REQUESTS}{{status="5xx"}}', "route")
            + f" / clamp_min({_rate(_GATEWAY_REQUESTS, 'route')}, 1) > 0.05"
        ),
        minutes=5,
        severity=Severity.TICKET,
        means="One request in twenty of a route is answered with 5xx",
        remedy="The route's service, its log, and what it needs",
    ),
    Alert(
        name="BreakerOpen",
        expression="max by (service) (min_over_time(meridian_gateway_breaker_state[5m])) > 0",
        severity=Severity.PAGE,
        means="A gateway has not been able to call a service for five minutes: its routes answer 503",
        remedy="Is the service ready in its pods? One gateway alone: replace that pod",
    ),
    Alert(
        name="RequestsShed",
        expression=f"{_rate('meridian_gateway_shed_total')} / clamp_min({_rate(_GATEWAY_REQUESTS)}, 1) > 0.01",
        minutes=5,
        severity=Severity.PAGE,
        means="One request in a hundred is turned away because a service is overloaded; playback is turned away last",
        remedy="Is the service at its most pods? `meridian capacity` says for which load it was sized",
    ),
    Alert(
        name="LimiterAlone",
        expression=f"{_rate('meridian_gateway_limiter_fallbacks_total')} > 0",
        minutes=5,
        severity=Severity.TICKET,
        means="The cache does not answer: each gateway counts limits by itself, a caller gets several times as much",
        remedy="The cache's nodes and its user for the gateway",
    ),
    Alert(
        name="AnswersBroken",
        expression=f"{_rate('meridian_gateway_aborted_answers_total')} / clamp_min({_rate(_GATEWAY_REQUESTS)}, 1) > 0.01",
        minutes=5,
        severity=Severity.TICKET,
        means="One answer in a hundred breaks off in its middle",
        remedy="Which pods end or run out of memory while they answer?",
    ),
)

_CONVERSION: Final = (
    Alert(
        name="ConversionsWait",
        expression="max(meridian_transcoder_day_closed) > 0",
        severity=Severity.TICKET,
        means="The cell has begun as many conversions today as it may: uploads wait in the queue until midnight (UTC)",
        remedy="Who uploads so much? If it is wanted, raise `meridian:rendition_minutes` of the region and deploy it; "
        "the day opens again with `DELETE FROM transcoder.days WHERE day = (now() AT TIME ZONE 'utc')::date`",
    ),
)

_SERVICES: Final = (
    Alert(
        name="ServiceErrors",
        expression=(
            _rate('meridian_requests_total{status=~"5.."}', "workload")
            + f" / clamp_min({_rate('meridian_requests_total', 'workload')}, 1) > 0.05"
        ),
        minutes=5,
        severity=Severity.TICKET,
        means="One request in twenty of a service ends with 5xx",
        remedy="Its log; `/health/deep` of one of its pods names what does not answer",
    ),
    Alert(
        name="WriterSilent",
        expression="max by (home) (meridian_writer_silent_seconds) > 30",
        severity=Severity.PAGE,
        means="The writer of a home does not answer: reads come from its replicas, writes are answered 503",
        remedy="A failover between zones takes about a minute. Longer, or a whole region: docs/region-loss.md",
    ),
    Alert(
        name="PodsUnseen",
        expression=f'count by (workload) (up{{job="{JOB}"}} == 0) > 0',
        minutes=10,
        severity=Severity.TICKET,
        means="The collector does not reach pods that run: what they would ring for is not heard",
        remedy="The network policy of the workload, its port, and how long `/metrics` takes",
    ),
    Alert(
        name="NothingSeen",
        expression=" or ".join(
            f"absent({metric})"
            for metric in (
                "meridian_gateway_connections",
                "meridian_requests_in_flight",
                "meridian_counter_stopped_partitions",
                CONNECTIONS,
            )
        ),
        minutes=10,
        severity=Severity.PAGE,
        means="No sample of a whole kind of workload arrives: none runs, or the collector is broken. "
        "All other alerts of it are deaf",
        remedy="Do pods run? Then the collector: its access entry in the cluster, its security group, its configuration",
    ),
)

ALERTS: Final = (*_COUNTERS, *_GATEWAY, *_CONVERSION, *_SERVICES)
"""All of them. Names are unique."""
