"""Starts counters."""

from services.common.app import run
from services.counters.service import SERVICE

if __name__ == "__main__":
    run(SERVICE)
