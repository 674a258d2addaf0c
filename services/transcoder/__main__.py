"""Starts the transcoder."""

from services.common.app import serve
from services.contracts.settings import load
from services.transcoder.service import WORKLOAD, make

if __name__ == "__main__":
    settings = load()
    serve(make(settings), WORKLOAD, settings)
