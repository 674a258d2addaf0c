"""``python -m ops``: the ``meridian`` command where its script is not installed."""

from ops.cli import main

if __name__ == "__main__":
    main()
