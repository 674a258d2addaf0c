"""One table of resource types per AWS service.  Each module exports `TYPES`."""
