"""The `aws` resource provider of the embedded default: pulumi-aws's resources as calls to an emulated AWS."""
