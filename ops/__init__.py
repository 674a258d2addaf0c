"""What an operator runs: the ``meridian`` command and what stands behind it."""
