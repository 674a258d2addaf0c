"""The generic half of the `aws` provider: wire format, conversion, checks, lifecycle.  Knows no AWS service."""
