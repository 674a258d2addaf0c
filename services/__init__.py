"""The services that run in a cell, what they share (``common``), and what they agree on with stacks and edge (``contracts``)."""
