"""Says which build of the gateway the tests of this directory run on."""

from services.gateway import heads


def pytest_report_header() -> str:
    return f"gateway: {'sources' if heads.__file__.endswith('.py') else 'compiled'}"
