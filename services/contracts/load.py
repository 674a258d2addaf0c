"""By what workloads show how loaded they are: names of gauges at ``/metrics`` on which autoscalers act. Pure.

Read by the services that set them and by ``stacks/scaling``. Each is without labels, a pod's own part of a whole: the
autoscaler adds them up over all pods.
"""

from __future__ import annotations

from typing import Final

CONNECTIONS: Final = "meridian_realtime_connections"
"""Sockets that are connected to this pod."""
LAG: Final = "meridian_counter_lag_records"
"""Records of the log that this pod is to read and has not read."""
