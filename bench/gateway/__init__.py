"""The gateway beside what a user might pick instead: same load, same cores, CPU per request from the kernel.

``python -m bench.gateway`` installs the peers from registries into the cache, measures, and writes the result.
"""
