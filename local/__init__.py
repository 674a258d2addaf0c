"""The embedded default: emulated AWS, the real engine, real servers and the services as processes on one machine."""
