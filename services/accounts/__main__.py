"""Starts the accounts service: ``python -m services.accounts``."""

from services.accounts.app import SERVICE
from services.common.app import run

if __name__ == "__main__":
    run(SERVICE)
