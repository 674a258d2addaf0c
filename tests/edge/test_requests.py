"""A table of requests against a real nginx with tiny real upstreams."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from websockets.sync.client import connect

from services.contracts.routes import COUNTRY_HEADER, HOP_HEADER, IDENTITY_HEADERS
from tests.edge.conftest import PAGE, Edge


@dataclass(frozen=True)
class Case:
    """A request at the front, and who must have answered it."""

    method: str
    path: str
    status: int
    server: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


IN_INDIA = ((COUNTRY_HEADER, "IN"),)
CASES = (
    Case("GET", "/api/accounts/me", 200, "mumbai-gateway", IN_INDIA),
    Case("GET", "/api/accounts/me", 200, "singapore-gateway", ((COUNTRY_HEADER, "JP"),)),
    Case("GET", "/api/nothing/like/this", 200, "mumbai-gateway", IN_INDIA),
    Case("POST", "/api/uploads/abc/complete", 200, "mumbai-gateway", IN_INDIA, b"x" * 1_000_000),
    Case("POST", "/api/uploads/abc/complete", 413, "", IN_INDIA, b"x" * (1024 * 1024 + 1)),
    Case("GET", "/api/search?q=a%20b&x=%2F", 200, "mumbai-gateway", IN_INDIA),
    Case("GET", "/health/ready", 200, "mumbai-gateway", IN_INDIA),
    Case("GET", "/health/deep", 404, "", IN_INDIA),
    Case("GET", "/metrics", 404, "", IN_INDIA),
    Case("POST", "/media/aa/film/v.mp4", 405, "", IN_INDIA),
    Case("GET", "/media/../page/secret", 200, "", IN_INDIA),
    Case("GET", "/media/%2e%2e/page/secret", 200, "", IN_INDIA),
    Case("GET", "/media/a%00b", 400, "", IN_INDIA),
    Case("GET", "/media/a%20b", 404, "", IN_INDIA),
    Case("GET", "/api/accounts/me", 508, "", (*IN_INDIA, (HOP_HEADER, "singapore"))),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.method} {case.path} {case.status}")
def test_a_request_is_answered_by_the_part_that_it_belongs_to(edge: Edge, case: Case) -> None:
    with edge.client() as client:
        # A string with the path as it stands: httpx would normalise a relative one.
        url = httpx.URL(f"https://localhost:{edge.front}").copy_with(raw_path=case.path.encode())
        answer = client.request(case.method, url, headers=dict(case.headers), content=case.body)
    assert answer.status_code == case.status, answer.text
    if case.server:
        assert answer.json()["server"] == case.server
        assert answer.json()["path"] == case.path
        assert answer.json()["length"] == len(case.body)


def test_what_a_client_says_of_its_identity_address_and_cell_does_not_reach_the_gateway(edge: Edge) -> None:
    lies = dict.fromkeys(IDENTITY_HEADERS, "root")
    with edge.client() as client:
        headers = {**lies, COUNTRY_HEADER: "IN", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher"}
        seen = client.get("/api/accounts/me", headers=headers).json()["headers"]
    assert not set(seen) & set(IDENTITY_HEADERS)
    assert COUNTRY_HEADER not in seen
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert seen[HOP_HEADER] == "mumbai"
    assert len(seen["x-request-id"]) == 32


def test_a_cell_does_not_believe_a_caller_who_comes_past_the_front(edge: Edge) -> None:
    with edge.client() as client:
        url = f"https://localhost:{edge.tls['mumbai']}/api/accounts/me"
        seen = client.get(url, headers={"X-Forwarded-For": "6.6.6.6"}).json()["headers"]
        assert seen["x-forwarded-for"] == "127.0.0.1"
        assert client.get(url, headers={HOP_HEADER: "singapore"}).status_code == 508
        assert client.get(url, headers={HOP_HEADER: "mumbai"}).status_code == 200


def test_people_near_a_region_are_steered_by_their_address_unless_they_state_a_country(edge: Edge) -> None:
    for source, headers, server in (
        ("127.16.0.1", {}, "mumbai-gateway"),
        ("127.64.0.1", {}, "singapore-gateway"),
        ("127.64.0.1", {COUNTRY_HEADER: "IN"}, "mumbai-gateway"),
        ("127.16.0.1", {COUNTRY_HEADER: "XX"}, "mumbai-gateway"),
        ("127.32.0.1", {}, "mumbai-gateway"),
    ):
        with edge.client(source) as client:
            answer = client.get("/api/accounts/me", headers=headers).json()
        assert answer["server"] == server, (source, headers)
        assert answer["headers"]["x-forwarded-for"] == source


def test_the_page_is_served_for_every_path_of_its_own_and_its_assets_for_ever(edge: Edge) -> None:
    with edge.client() as client:
        for path in ("/", "/watch/AbC", "/index.html"):
            answer = client.get(path)
            assert answer.text == PAGE
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["x-content-type-options"] == "nosniff"
            policy = answer.headers["content-security-policy"]
            assert f"connect-src 'self' https://localhost:{edge.s3_port};" in policy
            assert "strict-transport-security" not in answer.headers
        asset = client.get("/assets/app-1f2e.js", headers={"Accept-Encoding": "gzip"})
        assert asset.headers["content-encoding"] == "gzip"
        assert "immutable" in asset.headers["cache-control"]


def test_plain_http_at_the_front_is_sent_to_https(edge: Edge) -> None:
    answer = httpx.get(f"http://localhost:{edge.front}/watch/x")
    assert answer.status_code == 301
    assert answer.headers["location"] == f"https://localhost:{edge.front}/watch/x"


def test_a_segment_is_fetched_once_and_then_served_from_the_cache(edge: Edge) -> None:
    edge.s3.objects["/media-mumbai/aa/film/1.m4s"] = b"0123456789" * 100
    with edge.client("127.16.0.1") as client:
        first = client.get("/media/aa/film/1.m4s")
        part = client.get("/media/aa/film/1.m4s", headers={"Range": "bytes=10-19"})
    assert (first.status_code, first.headers["x-cache"]) == (200, "MISS")
    assert (part.status_code, part.content, part.headers["x-cache"]) == (206, b"0123456789", "HIT")
    assert first.headers["access-control-allow-origin"] == "*"
    assert edge.s3.seen.count("GET /media-mumbai/aa/film/1.m4s") == 1


def test_an_object_that_only_another_cell_has_is_found_there(edge: Edge) -> None:
    edge.s3.objects["/media-singapore/bb/film/2.m4s"] = b"from afar"
    with edge.client("127.16.0.1") as client:
        assert client.get("/media/bb/film/2.m4s").content == b"from afar"
        again = client.get("/media/bb/film/2.m4s")
        assert (again.content, again.headers["x-cache"]) == (b"from afar", "HIT")
        assert client.get("/media/bb/film/none.m4s").status_code == 404


def test_a_manifest_that_grew_is_seen_after_seconds(edge: Edge) -> None:
    path = "/media-mumbai/aa/film/stream-1.mpd"
    edge.s3.objects[path] = b"one"
    with edge.client("127.16.0.1") as client:
        first = client.get("/media/aa/film/stream-1.mpd")
        assert first.text == "one"
        edge.s3.objects[path] = b"two"
        deadline = time.monotonic() + 20
        while client.get("/media/aa/film/stream-1.mpd").text != "two":
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_only_presigned_requests_reach_s3_and_only_our_page_may_script_them(edge: Edge) -> None:
    s3 = f"https://localhost:{edge.s3_port}"
    page = f"https://localhost:{edge.front}"
    key = "/uploads/sources/abc?partNumber=1&X-Amz-Signature=0a1b"
    edge.s3.objects["/uploads/sources/abc"] = b"ok"
    with edge.client() as client:
        preflight = client.options(s3 + key, headers={"Origin": page, "Access-Control-Request-Method": "PUT"})
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, page)
        assert "PUT" in preflight.headers["access-control-allow-methods"]
        put = client.put(s3 + key, headers={"Origin": page, "Authorization": "stolen"}, content=b"x" * 3_000_000)
        assert (put.status_code, put.headers["access-control-allow-origin"]) == (200, page)
        assert put.headers["access-control-expose-headers"] == "ETag"
        assert edge.s3.seen[-1] == f"PUT {key}"
        foreign = client.put(s3 + key, headers={"Origin": "https://evil.example"}, content=b"x")
        assert "access-control-allow-origin" not in foreign.headers
        before = len(edge.s3.seen)
        assert client.put(s3 + "/uploads/sources/abc", content=b"x").status_code == 403
        assert client.post(s3 + "/?Action=CreateUser&X-Amz-Signature=0a", content=b"").status_code == 403
        assert client.delete(s3 + key).status_code == 403
        assert len(edge.s3.seen) == before


def test_a_client_stays_with_one_realtime_instance_and_clients_spread_over_them(edge: Edge) -> None:
    answers: dict[str, set[str]] = {}
    for number in range(24):
        with edge.client("127.16.0.1") as client:
            first = client.get("/socket.io/?EIO=4&transport=polling")
            assert "meridian_sticky" in first.headers["set-cookie"]
            more = [client.get("/socket.io/?EIO=4&transport=polling") for _ in range(3)]
            assert not [answer for answer in more if "set-cookie" in answer.headers]
            answers[str(number)] = {answer.json()["server"] for answer in (first, *more)}
    assert all(len(servers) == 1 for servers in answers.values())
    assert len(set.union(*answers.values())) == 2


def test_a_websocket_passes_both_edges(edge: Edge) -> None:
    with connect(
        f"wss://localhost:{edge.front}/socket.io/?EIO=4&transport=websocket&sticky=abcdef123456",
        ssl=edge.context,
        additional_headers={COUNTRY_HEADER: "SG"},
    ) as connection:
        connection.send("hello")
        assert re.fullmatch(r"singapore-realtime-[12]: 'hello'", str(connection.recv(timeout=10)))


def test_browsers_are_offered_http_2(edge: Edge) -> None:
    context = edge.context
    context.set_alpn_protocols(["h2", "http/1.1"])
    for port in (edge.front, edge.s3_port, *edge.tls.values()):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            assert secured.selected_alpn_protocol() == "h2"


def test_a_flood_of_logins_is_stopped_without_harm_to_other_requests(edge: Edge) -> None:
    with edge.client("127.64.0.77") as client:
        statuses = [client.post("/api/accounts/login").status_code for _ in range(60)]
        assert statuses.count(200) >= 20
        assert 429 in statuses
        assert client.get("/api/search").status_code == 200


def test_a_cell_whose_gateway_is_not_ready_gets_no_more_requests_until_it_is(edge: Edge) -> None:
    gateway = edge.gateways["mumbai"]
    with edge.client("127.16.0.1") as client:

        def answered_by() -> str:
            return str(client.get("/api/search").json()["server"])

        assert answered_by() == "mumbai-gateway"
        gateway.status = 503
        try:
            _wait(lambda: answered_by() == "singapore-gateway")
        finally:
            gateway.status = 200
        _wait(lambda: answered_by() == "mumbai-gateway")


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 20 s"
        time.sleep(0.1)
