"""One module per server of the embedded default: how it is prepared, started and asked whether it is well."""
