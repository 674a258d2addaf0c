"""The review of a change: from what the engine says to a short report that a person reads before anyone deploys.

Everything here is pure: digests of engine results in, findings and text out. Running the engine is
``ops/commands``' affair.
"""
