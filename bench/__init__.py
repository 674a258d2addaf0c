"""Benchmarks: peers run side by side, and what they measured. Owns no code that runs in production."""
