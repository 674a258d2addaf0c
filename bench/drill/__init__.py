"""A region lost and returned on a whole installation, seen from its front door."""
