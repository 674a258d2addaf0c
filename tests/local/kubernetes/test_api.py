"""The client of an API server, against a server that speaks TLS on loopback and answers as it was told."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typing_extensions import override

from local.cluster.certificates import Authority
from local.kubernetes.api import Api, ApiError, UnknownKindError, UnreachableError
from local.kubernetes.kubeconfig import Access
from local.kubernetes.manifests import Identity
from local.kubernetes.values import Object

LOOPBACK = "127.0.0.1"
CORE: Object = {
    "resources": [
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
        {"name": "namespaces", "kind": "Namespace", "namespaced": False},
        {"name": "pods", "kind": "Pod", "namespaced": True},
        {"name": "pods/eviction", "kind": "Eviction", "namespaced": True},
    ]
}
MAP: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "apps"}}
MAP_PATH = "/api/v1/namespaces/apps/configmaps/m"


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    content: str
    body: str


@dataclass
class Answers:
    """What is answered to a method and path: answers in turn, the last one again and again."""

    given: dict[tuple[str, str], list[tuple[int, Object, dict[str, str]]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    access: Access = field(default_factory=lambda: Access("", ""))

    def answer(self, method: str, path: str, status: int, body: Object, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.given.setdefault((method, path), []).append((status, body, named))

    def paths(self, method: str) -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method]


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    found = Answers()
    found.answer("GET", "/api/v1", 200, CORE)

    class Handler(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: object) -> None:
            return

        def answered(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            content = self.headers.get("Content-Type", "")
            found.asked.append(Asked(self.command, parts.path, parse_qs(parts.query), content, body))
            turns = found.given.get((self.command, parts.path)) or [
                (404, {"reason": "NotFound", "message": "none"}, {})
            ]
            status, answer, headers = turns.pop(0) if len(turns) > 1 else turns[0]
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_DELETE = do_POST = answered  # noqa: N815 - the names that the library calls

    authority = Authority("test")
    certificate, key = authority.server(LOOPBACK).write(tmp_path, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    pair = authority.client("somebody", "")
    url = f"https://{LOOPBACK}:{server.server_address[1]}"
    found.access = Access(url, authority.certificate, pair.certificate, pair.key)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(answers: Answers) -> Iterator[Api]:
    client = Api(answers.access)
    yield client
    client.close()


def test_an_apply_asks_for_strict_validation_in_our_name(answers: Answers, api: Api) -> None:
    answers.answer("PATCH", MAP_PATH, 200, {**MAP, "data": {"a": "1"}})
    assert api.apply(MAP, dry_run=False, force=False) == {**MAP, "data": {"a": "1"}}
    api.apply(MAP, dry_run=True, force=True)
    stored, tried = (asked for asked in answers.asked if asked.method == "PATCH")
    assert json.loads(stored.body) == MAP
    assert stored.content == "application/apply-patch+yaml"
    expected = {"fieldManager": ["pulumi-kubernetes"], "fieldValidation": ["Strict"]}
    assert stored.query == {**expected, "force": ["false"]}
    assert tried.query == {**expected, "force": ["true"], "dryRun": ["All"]}


def test_a_missing_object_is_none_and_deleting_it_is_harmless(api: Api) -> None:
    assert api.get(Identity.of(MAP)) is None
    api.delete(Identity.of(MAP))


def test_objects_of_all_namespaces_and_of_one_are_listed_by_label(answers: Answers, api: Api) -> None:
    answers.answer("GET", "/api/v1/pods", 200, {"items": [{"a": 1}]})
    answers.answer("GET", "/api/v1/namespaces/apps/pods", 200, {"items": []})
    assert api.items("v1", "Pod") == [{"a": 1}]
    assert api.items("v1", "Pod", "apps", labels="app=web") == []
    assert answers.asked[-1].query == {"labelSelector": ["app=web"]}


def test_a_refusal_carries_the_servers_reasons(answers: Answers, api: Api) -> None:
    cause: Object = {"reason": "FieldValueInvalid", "field": "data", "message": "too long"}
    answers.answer("PATCH", MAP_PATH, 422, {"reason": "Invalid", "message": "no", "details": {"causes": [cause]}})
    with pytest.raises(ApiError, match="no") as told:
        api.apply(MAP, dry_run=False, force=False)
    assert (told.value.status, told.value.reason) == (422, "Invalid")
    assert [(c.reason, c.field, c.message) for c in told.value.causes] == [("FieldValueInvalid", "data", "too long")]


def test_a_busy_server_is_asked_again_unless_its_answer_is_what_was_wanted(answers: Answers, api: Api) -> None:
    answers.answer("GET", MAP_PATH, 429, {"message": "later"}, Retry_After="0")
    answers.answer("GET", MAP_PATH, 200, MAP)
    assert api.get(Identity.of(MAP)) == MAP
    answers.answer("POST", MAP_PATH, 429, {"message": "the budget"}, Retry_After="0")
    with pytest.raises(ApiError, match="the budget"):
        api.request("POST", MAP_PATH, body={}, patient=False)
    assert answers.paths("POST") == [MAP_PATH]


def test_a_server_that_stays_busy_is_given_up(answers: Answers, api: Api) -> None:
    answers.answer("GET", MAP_PATH, 503, {"message": "starting"}, Retry_After="0")
    with pytest.raises(ApiError, match="starting"):
        api.get(Identity.of(MAP))
    assert 1 < len(answers.paths("GET")) < 10


def test_a_kind_is_looked_up_once_and_again_where_it_was_not_known(answers: Answers, api: Api) -> None:
    api.get(Identity.of(MAP))
    api.get(Identity("v1", "Namespace", "", "apps"))
    assert answers.paths("GET").count("/api/v1") == 1
    topic = Identity("kafka.example.com/v1", "Topic", "apps", "t")
    with pytest.raises(UnknownKindError, match=r"no Topic in kafka\.example\.com/v1"):
        api.get(topic)
    answers.answer(
        "GET",
        "/apis/kafka.example.com/v1",
        200,
        {"resources": [{"name": "topics", "kind": "Topic", "namespaced": True}]},
    )
    assert api.path(topic) == "/apis/kafka.example.com/v1/namespaces/apps/topics/t"


def test_parts_of_objects_are_no_kinds(api: Api) -> None:
    with pytest.raises(UnknownKindError):
        api.path(Identity("v1", "Eviction", "apps", "p"))


def test_no_name_leads_to_another_object(api: Api) -> None:
    path = api.path(Identity("v1", "ConfigMap", "a/../b", "../../secrets/x"))
    assert path == "/api/v1/namespaces/a%2F..%2Fb/configmaps/..%2F..%2Fsecrets%2Fx"


def test_a_server_of_another_authority_is_not_trusted(answers: Answers) -> None:
    client = Api(Access(answers.access.server, Authority("other").certificate, token="t"))
    with pytest.raises(UnreachableError, match="no answer"):
        client.get(Identity.of(MAP))
    client.close()
    assert answers.asked == []
