"""Catalogue: channels, videos and the lists of comments. Owns schema ``catalog`` and what others may do to it."""
