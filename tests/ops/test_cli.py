"""The command line as its user sees it: a process with arguments, output and an exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.installation import exclusive
from local.supervision import Supervisor
from ops.cli import app
from ops.commands.logs import tail
from ops.commands.status import duration
from tests.local.running import free_table

COMMANDS = ("up", "down", "status", "logs", "env", "preview", "doctor")


def meridian(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command on an installation of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        capture_output=True,
        text=True,
        # With an empty cache the first command that needs the engine builds it: four minutes, more beside other tests.
        timeout=1200,
        check=False,
        env=environment(home, **settings),
    )


def environment(home: Path, **settings: str) -> dict[str, str]:
    base = str(free_table(["mumbai"]).base)
    return {**os.environ, "MERIDIAN_HOME": str(home), "MERIDIAN_PORT_BASE": base, "COLUMNS": "100", **settings}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_teaches_with_an_example(command: str) -> None:
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert "Example" in answer.output
    assert f"meridian {command}" in answer.output


def test_a_mistyped_command_is_corrected(tmp_path: Path) -> None:
    answer = meridian(tmp_path, "staus")
    assert answer.returncode == 2
    assert "Did you mean 'status'" in answer.stderr


def test_a_malformed_setting_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer = meridian(home, "up", CELLS="paris")
    assert answer.returncode == 2
    assert "CELLS='paris'" in answer.stderr
    assert "Allowed: all, or some of mumbai" in answer.stderr
    assert not home.exists()


def test_status_of_nothing_names_what_does_not_run_and_ends_with_its_own_code(tmp_path: Path) -> None:
    answer = meridian(tmp_path / "home", "status", "--json")
    assert answer.returncode == 3
    rows = json.loads(answer.stdout)
    assert {row["health"] for row in rows} == {"not started"}
    assert {"emulator", "provider-aws"} <= {row["part"] for row in rows}


def test_down_of_nothing_does_nothing_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for _ in range(2):
        assert meridian(home, "down").returncode == 0
    assert list(tmp_path.iterdir()) in ([], [home])


def test_env_prints_what_a_shell_can_evaluate_and_no_secret(tmp_path: Path) -> None:
    home = tmp_path / "ho me"
    plain = meridian(home, "env")
    assert plain.returncode == 0, plain.stderr
    told = json.loads(meridian(home, "env", "--json").stdout)
    shell = subprocess.run(
        ["sh", "-euc", f'{plain.stdout}\nprintf %s "$PULUMI_HOME|$AWS_ENDPOINT_URL"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout.split("|")[0] == told["PULUMI_HOME"] == str(home / "pulumi")
    assert shell.stdout.split("|")[1].startswith("http://127.0.0.1:")
    passphrase = (home / "engine" / "passphrase").read_text()
    assert passphrase not in plain.stdout


def test_an_interrupted_command_ends_with_130_and_leaves_the_lock_free(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = (
        # A caller may have started the tests with interrupts ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import time, sys; sys.argv = ['meridian', 'up']\n"
        "import ops.cli, ops.commands.up as command\n"
        "from local.installation import exclusive\n"
        "def wait(platform):\n"
        "    with exclusive(platform.home):\n"
        "        print('waiting', flush=True); time.sleep(60)\n"
        "command.steps.up = wait\n"
        "ops.cli.main()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=environment(home), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    busy = meridian(home, "up")
    assert busy.returncode == 1
    assert f"process {process.pid} is changing this installation" in busy.stderr
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    process.stdout.close()
    with exclusive(home):
        pass


def test_logs_lists_prints_the_end_and_follows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    log = Supervisor(home / "supervisor").log("mumbai-gateway")
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {number}\n" for number in range(1, 501)))
    assert meridian(home, "logs").stdout == "mumbai-gateway\n"
    assert meridian(home, "logs", "mumbai-gateway", "-n", "2").stdout == "line 499\nline 500\n"
    wrong = meridian(home, "logs", "../../etc/passwd")
    assert wrong.returncode == 2
    assert "mumbai-gateway" in wrong.stderr

    following = subprocess.Popen(
        [sys.executable, "-m", "ops", "logs", "mumbai-gateway", "-f", "-n", "1"],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert following.stdout is not None
        assert following.stdout.readline() == "line 500\n"
        time.sleep(1)
        with log.open("a") as file:
            file.write("line 501\n")
        assert following.stdout.readline() == "line 501\n"
    finally:
        following.terminate()
        following.wait(20)


@pytest.mark.parametrize("count", [0, 1, 3, 10_000, 30_000])
def test_the_last_lines_are_exactly_the_last_lines(tmp_path: Path, count: int) -> None:
    lines = [f"{number} " + "x" * (number % 37) for number in range(20_000)]
    log = tmp_path / "log"
    log.write_text("\n".join(lines) + "\n")
    assert tail(log, count) == (lines[-count:] if count else [])


def test_durations_are_short() -> None:
    assert [duration(s) for s in (0, 59, 60, 7_300, 200_000)] == ["-", "59 s", "1 min", "2 h", "2 d"]
