"""A `kubernetes` resource provider that needs no cluster: it checks manifests and renders them as files."""
