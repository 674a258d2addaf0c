"""What one unit carries: a core, a process, a broker, a row. Each with its basis and source. Owns rates, no load.

Measured rates stand for one core of an AMD EPYC (Milan) virtual machine at full use. ``bench/`` repeats them; a new
result replaces the number here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from regions.figures import Figure, assumed, measured, published

_PROTOTYPE = "prototype measurement 2026-11-22, two shared cores"

HEADROOM = assumed(1.5, "times", "a peak over the headline and a zone lost: two thirds of what is there is used")
PEAK_TO_MEAN = assumed(2.5, "times", "an evening's peak over the mean of a month; bills follow the mean")
GROWTH = assumed(4.0, "times", "how far storage may grow before somebody must look")

# Viewers
BEHIND_ADDRESS = assumed(
    2_000, "viewers an address", "mobile carriers put thousands behind one; no carrier says how many"
)
BITRATE = assumed(3.5, "Mb/s a viewer", "mixed rungs; 5.0 if 1080p dominates")
TRACKS = published(2, "objects a segment", "CMAF with separate sound: one object of picture, one of sound")
MISSES = assumed(0.01, "of segment requests", "reach the origin behind the CDN's regional caches")

# Requests
GATEWAY = measured(25_000, "requests/s a core", f"{_PROTOTYPE}: compiled, JWT cache, batched limits, 37 us a request")
ENGAGEMENT = assumed(
    3_000, "beacons/s a core", "cached FastAPI route 281 us and packing 10 events at 2.3 us, both measured"
)
CACHED = measured(3_600, "requests/s a core", f"{_PROTOTYPE}: uvicorn, FastAPI, pipelined RESP, 281 us")
STORED = measured(1_900, "requests/s a core", f"{_PROTOTYPE}: uvicorn, FastAPI, asyncpg, 514-532 us")
API_MIX: Mapping[str, Figure] = MappingProxyType(
    {
        "accounts": assumed(0.05, "of API requests", "sign-in, refresh, channels"),
        "catalog": assumed(0.45, "of API requests", "watch pages and listings"),
        "engagement": assumed(0.20, "of API requests", "comments and states, read and written"),
        "recommendations": assumed(0.20, "of API requests", "home and next"),
        "search": assumed(0.09, "of API requests", "queries and suggestions"),
        "uploads": assumed(0.01, "of API requests", "creators"),
    }
)
"""Which workload answers which part of the API's requests. The parts sum to 1."""
CACHE_HITS = assumed(0.9, "of reads", "answered without the database")
API_WRITES = assumed(0.02, "of API requests", "write a row at once")

# Sockets
SOCKETS_PER_POD = assumed(
    20_000,
    "sockets a pod",
    "bounds the storm of reconnects: a full pod is back in 5 s at 4,000 a second on half a core",
)
SOCKET_BYTES = measured(5_000, "bytes a socket", f"{_PROTOTYPE}: 1.6-2.1 KB in prototypes, 5 KB as the product's bound")
DELIVERIES = measured(110_000, "deliveries/s a core", f"{_PROTOTYPE}: rooms of 10, pure Python, no TLS")
DELIVERED = assumed(1.0, "deliveries/s a socket", "counts at most once a second, and chat for some")

# Events
EVENT_BYTES = measured(
    62, "bytes an event", "a heartbeat packed by services.contracts.events, 59, and its share of the record"
)
COUNTING = measured(1_000_000, "events/s a core", f"{_PROTOTYPE}: 100 events a record, 0.87-1.07 CPU-s a million")
BROKER_IN = assumed(
    5.2, "MB/s a broker of size large", "a third of Express's published 15.6: AWS says Express does up to three times"
)
BROKER_OUT = assumed(10.4, "MB/s a broker of size large", "a third of Express's published 31.2")
CLIENT_CONNECTIONS = assumed(2, "connections a broker", "a process's producer or consumer, and its metadata")
READERS = assumed(2, "times", "each byte in is read by the counters and by the replicator to the partner")

# Cache
SCRIPTED = measured(75_000, "limit checks/s a shard", f"{_PROTOTYPE}: batched scripts 11-14 us, one thread")
COMMANDS = assumed(150_000, "commands/s a shard", "pipelined reads and writes at half of a script's cost or less")
COMMANDS_PER_REQUEST = assumed(3, "commands an API request", "object, session, freshness")
VIEWS = assumed(1 / 300, "views/s a viewer", "a view claimed each five minutes")
PRESENCE = assumed(1 / 30, "commands/s a socket", "a socket renews its presence each half minute")
CACHED_BYTES = assumed(40_000, "bytes a session", "its limits and claims, and its part of ten million hot objects")
CACHE_FILL = published(
    0.75, "of a node", "https://cloudburn.io/blog/amazon-elasticache-pricing read 2026-11-23: a quarter is reserved"
)

# Database
COUNTER_ROWS = assumed(0.042, "rows an event", "adaptive windows over ten million videos at a million events/s")
ROW_WRITES = measured(32_000, "rows/s a core", f"{_PROTOTYPE}: batched upserts, 65-169 K on two cores")
POINT_READS = assumed(8_000, "reads/s a core", "by key, in memory, through the driver")
COMMITS = assumed(2_500, "commits/s a core", "single-row transactions on gp3 with a synchronous standby")
STORED_BYTES = assumed(
    160_000, "bytes a viewer", "users, videos, comments, states, histories: ten for each one who watches now"
)
RESIDENT_PART = assumed(0.1, "of stored bytes", "classes bound by law: profiles, payments, histories")
HOT_PART = assumed(0.1, "of stored bytes", "what must stay in memory for reads to be fast")
CONNECTION_BYTES = published(
    9_531_392,
    "bytes a connection",
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html: LEAST({DBInstanceClassMemory/9531392}, 5000), read 2026-11-22",
)
HELD_CONNECTIONS = assumed(0.25, "of a pool", "a pool opens connections as requests need them and gives them back")

# Transcoding
ENCODING = measured(
    10.7, "vCPU-s a second of 1080p", f"{_PROTOTYPE}: x264 veryfast, six rungs; 19.7 for 2160p with seven"
)
CONVERTED = assumed(1.0, "seconds of source a job and second", "MediaConvert without acceleration, all rungs")

# Machines
POD_ADDRESSES = published(
    16,
    "addresses a prefix",
    "https://docs.aws.amazon.com/eks/latest/userguide/auto-networking.html read 2026-11-22: /28",
)
PACKING = assumed(0.85, "of a machine", "requests that a scheduler fits on a machine beside what the system keeps")
MACHINE_CORES = assumed(16, "vCPU a machine", "what Auto Mode picks on average for these requests")
NAT_BYTES = assumed(1_250, "bytes a request", "calls to what has no endpoint in the VPC")
LOG_BYTES = assumed(200, "bytes a request", "access log and traces, sampled")
SERIES = assumed(
    150, "series a pod", "of what its collector keeps: no steps of histograms; gateways have more, others fewer"
)
NAT_BANDWIDTH = published(
    100, "Gb/s a gateway", "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html read 2026-11-23"
)

# What is billed by volume
ANSWER_BYTES = assumed(2_000, "bytes a request", "JSON answers, compressed; beacons answer with nothing")
LCU_CONNECTIONS = published(
    3_000, "connections an LCU", "https://aws.amazon.com/elasticloadbalancing/pricing read 2026-11-22: active a minute"
)
NORMALIZED = assumed(2.0, "times", "mean of MediaConvert's multipliers over the seven rungs")
KEPT_MONTHS = assumed(24, "months", "how long renditions are kept on average")
WAL_BYTES = assumed(300, "bytes a row", "WAL of an update with its index, after full-page images")
