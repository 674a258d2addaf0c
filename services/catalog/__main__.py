"""Starts the catalogue: ``python -m services.catalog``."""

from services.catalog.app import SERVICE
from services.common.app import run

if __name__ == "__main__":
    run(SERVICE)
