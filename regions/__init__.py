"""What is true of more than one place: regions, addresses, steering, buckets, names, stacks.

Pure data and pure functions. Imports neither Pulumi nor boto3 nor anything of this project outside ``regions``.
"""
