"""Events beside what a user might pick instead: the same log, the same transaction, CPU for a million events from the kernel.

``python -m bench.events`` installs the peers from registries into the cache, measures, and writes the result.
"""
