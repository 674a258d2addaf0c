"""Registers the fixtures that all tests share. Owns none."""

pytest_plugins = ("tests.servers", "tests.kafka_server", "tests.mirror_server")
