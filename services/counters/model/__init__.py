"""A model of exact counting, small enough to be searched: which rule is needed, and the history that breaks without it."""
