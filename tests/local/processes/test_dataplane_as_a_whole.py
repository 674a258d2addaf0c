from pathlib import Path

from tests.local.processes.conftest import DataPlane


def test_a_second_start_changes_nothing(dataplane: DataPlane) -> None:
    before = dataplane.pids()
    assert dataplane.up() == ()
    assert dataplane.pids() == before


def test_no_password_is_in_a_log_or_a_command_line(dataplane: DataPlane) -> None:
    secrets = [dataplane.credentials.operator, dataplane.credentials.owner.password]
    for passwords in dataplane.credentials.workloads.values():
        secrets += [passwords.database, passwords.cache, passwords.kafka]
    for log in dataplane.installation.supervisor.logs.iterdir():
        text = log.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], log
    for pid in dataplane.installation.supervisor.pids():
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        assert not [secret for secret in secrets if secret in line], line


def test_everything_listens_on_the_loopback_only(dataplane: DataPlane) -> None:
    import psutil

    ours = dataplane.installation.supervisor.pids()
    addresses = {
        connection.laddr.ip
        for connection in psutil.net_connections(kind="tcp")
        if connection.pid in ours and connection.status == psutil.CONN_LISTEN and connection.laddr
    }
    assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert addresses
