"""The compiled gateway passes every test that its sources pass."""

import os
import subprocess
import sys
from pathlib import Path

from local import gateway_build

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]


def test_the_whole_suite_passes_on_the_compiled_build() -> None:
    tree = gateway_build.tree()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", f"pythonpath={tree} ."]
    command += [str(HERE), f"--ignore={__file__}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "gateway: compiled" in done.stdout


def test_every_hot_module_is_an_extension_and_the_rest_are_sources() -> None:
    tree = gateway_build.tree()
    compiled = {file.name.partition(".")[0] for file in (tree / "services" / "gateway").glob("*.so")}
    assert compiled == set(gateway_build.HOT)
    sources = {file.stem for file in (tree / "services" / "gateway").glob("*.py")}
    assert sources == {file.stem for file in (CHECKOUT / "services" / "gateway").glob("*.py")}
