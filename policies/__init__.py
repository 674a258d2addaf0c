"""The laws of the footprint: rules by subject, each importable; ``__main__`` makes the pack of them."""
