"""Search over the published videos of all cells. Owns ranking and merging; the indexes are the catalogue's."""
