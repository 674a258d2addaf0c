"""Starts the search service: ``python -m services.search``."""

from services.common.app import run
from services.search.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
