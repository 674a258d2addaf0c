from pathlib import Path

import pytest

from local import gateway_build, paths
from local.aws_access import Emulated
from local.ports import DEFAULT_BASE, table
from local.processes import service


def test_without_a_compiler_the_sources_run_and_a_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    lines: list[str] = []
    assert not gateway_build.prefer(lines.append)
    assert not gateway_build.location().exists()
    assert "runs from its sources" in lines[-1]
    assert "install one" in lines[-1]


def test_the_gateway_finds_its_compiled_build_first_and_every_other_service_its_sources(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.touch()
    ports = table(DEFAULT_BASE, ["mumbai"])
    programs = service.programs("mumbai", ports, settings, Emulated(1), tmp_path, "code")
    for program in programs:
        expected = str(paths.CHECKOUT)
        if program.part.startswith("gateway"):
            expected = f"{gateway_build.location()}:{expected}"
        assert program.environment["PYTHONPATH"] == expected
