"""What a preview, a deployment and its repetition cost: `python -m bench.deployment`."""
