"""What is read of a kubeconfig, and what is refused."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from local.kubernetes import kubeconfig
from local.kubernetes.kubeconfig import Access, KubeconfigError
from local.kubernetes.values import Object, as_object

ACCESS = Access("https://127.0.0.1:6443", "authority\n", "certificate\n", "key\n")


def entry(document: Object, group: str, member: str) -> Object:
    entries = document[group]
    assert isinstance(entries, list)
    return as_object(as_object(entries[0])[member])


def document() -> Object:
    return copy.deepcopy(kubeconfig.document_of("local", ACCESS))


def test_what_is_written_is_read_back() -> None:
    assert kubeconfig.access(document()) == ACCESS
    with_token = Access("https://127.0.0.1:6443", "authority\n", token="secret")
    assert kubeconfig.access(kubeconfig.document_of("local", with_token)) == with_token


def test_credentials_are_not_shown() -> None:
    shown = repr(Access("https://x", "a", "c", "private key", "bearer"))
    assert "private key" not in shown
    assert "bearer" not in shown


def test_files_are_read_where_the_data_are_not_inside(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("from a file\n")
    given = document()
    cluster = entry(given, "clusters", "cluster")
    del cluster["certificate-authority-data"]
    cluster["certificate-authority"] = str(tmp_path / "ca.crt")
    assert kubeconfig.access(given).authority == "from a file\n"


@pytest.mark.parametrize(
    ("group", "member", "key", "value", "words"),
    [
        ("clusters", "cluster", "server", "http://127.0.0.1", "not an https address"),
        ("clusters", "cluster", "certificate-authority-data", "", "impostor"),
        ("clusters", "cluster", "certificate-authority-data", "%%%", "certificate-authority cannot be read"),
        ("users", "user", "client-key-data", "", "neither a token nor a certificate"),
        ("users", "user", "exec", {"command": "aws"}, "not run"),
        ("contexts", "context", "user", "nobody", "no entry 'nobody' in users"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_file_and_the_reason(
    tmp_path: Path, group: str, member: str, key: str, value: str | Object, words: str
) -> None:
    given = document()
    entry(given, group, member)[key] = value
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(given))
    with pytest.raises(KubeconfigError, match=words) as told:
        kubeconfig.load(file)
    assert str(file) in str(told.value)


@pytest.mark.parametrize("content", ["", "[]", "a: [", "current-context: 5", "contexts: {}"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(KubeconfigError, match="config"):
        kubeconfig.load(file)
    with pytest.raises(KubeconfigError, match="cannot be read"):
        kubeconfig.load(tmp_path / "missing")
