import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import ids
from services.contracts.routes import ROUTES, Service
from services.gateway.forms import Form, FormError, Forms
from tests.services.gateway.harness import Gateway, Recorder, gateway

VIDEO = "0123456789A"
PAGED = {
    "parameters": [
        {"name": "id", "in": "path", "schema": {"type": "string", "pattern": ids.TEXT_PATTERN}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
        {"name": "q", "in": "query", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 5}},
        {"name": "before", "in": "query", "schema": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 3}]}},
    ]
}
FORM = Form("/things/{id}", PAGED)
PATH = f"/things/{VIDEO}".encode()


def problem(target: str, path: bytes = PATH) -> str | None:
    try:
        FORM.check(path, path + target.encode())
    except FormError as error:
        return error.field
    return None


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("?q=a", None),
        ("?q=a&limit=1", None),
        ("?q=a&limit=100&unknown=x", None),
        ("?%71=a", None),
        ("?q=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9", None),
        ("?q=a+b+c&before=xyz", None),
        ("", "query.q"),
        ("?", "query.q"),
        ("?limit=3", "query.q"),
        ("?q=", "query.q"),
        ("?q=abcdef", "query.q"),
        ("?q=a&q=b", "query.q"),
        ("?q=a&%71=b", "query.q"),
        ("?q=a&limit=0", "query.limit"),
        ("?q=a&limit=101", "query.limit"),
        ("?q=a&limit=", "query.limit"),
        ("?q=a&limit=1.0", "query.limit"),
        ("?q=a&limit=+1", "query.limit"),
        ("?q=a&limit=" + "9" * 40, "query.limit"),
        ("?q=a&limit=5&limit=5", "query.limit"),
        ("?q=a&before=abcd", "query.before"),
    ],
)
def test_a_query_is_held_against_the_document(target: str, field: str | None) -> None:
    assert problem(target) == field


@pytest.mark.parametrize("text", ["", "x", VIDEO[:-1], VIDEO + "0", "é" * 11, "0123456789_", VIDEO + "\n"])
def test_a_path_of_another_form_is_refused_with_its_parameter(text: str) -> None:
    assert problem("?q=a", f"/things/{text}".encode("latin-1")) == "path.id"


@given(st.integers(0, ids.MAX_ID))
def test_no_id_that_is_minted_is_refused(number: int) -> None:
    try:
        text = ids.encode(number)
    except ids.IdError:
        return
    assert problem("?q=a", f"/things/{text}".encode()) is None


@given(st.binary(max_size=60))
def test_no_query_breaks_the_check(query: bytes) -> None:
    with contextlib.suppress(FormError):
        FORM.check(PATH, PATH + b"?" + query)


def test_every_route_has_a_form() -> None:
    forms = Forms.load()
    for route in ROUTES:
        assert isinstance(forms.of(route.method, route.template), Form)


async def answered(through: Gateway, method: str, target: str, body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good-token\r\n{length}\r\n"
    return await through.send(head.encode() + body)


async def test_what_does_not_have_its_form_never_reaches_a_service() -> None:
    recorder = Recorder()
    async with gateway(dict.fromkeys(Service, recorder)) as through:
        for method, target, field in (
            ("GET", "/api/videos/nonsense", b"path.video_id"),
            ("GET", f"/api/videos/{VIDEO}/comments?limit=0", b"query.limit"),
            ("GET", "/api/search", b"query.q"),
            ("GET", "/api/search?q=", b"query.q"),
            ("POST", "/api/channels", b'"body"'),
            ("POST", "/api/accounts/login", b'"body"'),
        ):
            answer = await answered(through, method, target)
            assert answer.startswith(b"HTTP/1.1 422 "), (target, answer)
            assert field in answer
            assert b'"code": "invalid_request"' in answer
        assert not recorder.seen
        assert (await answered(through, "GET", f"/api/videos/{VIDEO}/comments?limit=7")).startswith(b"HTTP/1.1 200 ")
        assert (await answered(through, "POST", "/api/channels", b"{}")).startswith(b"HTTP/1.1 200 ")


async def test_the_document_is_served_as_it_lies_beside_the_contracts() -> None:
    async with gateway({}) as through:
        answer = await answered(through, "GET", "/api/openapi.json")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"content-type: application/json" in head.lower()
        assert body == Forms.load().text
