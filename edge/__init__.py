"""The edge: nginx configuration and CloudFront functions, rendered from the catalogue and the routing table."""
