from pathlib import Path

import pytest

from local import uv


def _kept(cache: Path, version: str) -> Path:
    program = cache / "uv" / version / "bin" / "uv"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o700)
    return program


def test_the_one_that_make_keeps_is_used_where_none_is_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    kept = _kept(tmp_path, "0.13.9")
    assert uv.program(tmp_path) == str(kept)


def test_the_one_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _kept(tmp_path, "0.13.9")
    own = tmp_path / "uv-on-path"
    own.mkdir()
    (own / "uv").touch(mode=0o700)
    monkeypatch.setenv("PATH", str(own))
    assert uv.program(tmp_path) == str(own / "uv")


def test_without_any_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(uv.MissingError, match="make install"):
        uv.program(tmp_path)
