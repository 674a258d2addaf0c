"""The Pulumi programs: global, region, links and steering. One file per concern."""
