"""The emulated AWS behind one seam: MiniStack for the platform, moto for tests, LocalStack by a setting."""
