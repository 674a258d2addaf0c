"""Recommendations: what is rising, what is new, what is like this video. Owns schema ``recommendations``."""
