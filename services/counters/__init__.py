"""Counts what the log says, exactly once: consumers of views, likes, comments and subscriptions."""
