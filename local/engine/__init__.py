"""The Pulumi engine: how it is obtained, how it runs Python, how the stacks are run through it."""
