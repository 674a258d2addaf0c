"""Starts engagement."""

from services.common.app import run
from services.engagement.service import SERVICE

if __name__ == "__main__":
    run(SERVICE)
