"""Pure data on which stacks, edge and services agree. Imports neither Pulumi nor any service."""
