"""One module per subcommand of ``meridian``; each has ``register(app)``."""
