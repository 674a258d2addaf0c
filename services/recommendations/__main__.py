"""Starts the recommendations service: ``python -m services.recommendations``."""

from services.common.app import run
from services.recommendations.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
