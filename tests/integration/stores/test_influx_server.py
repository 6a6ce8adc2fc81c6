"""What is sent to an InfluxDB, and what is made of its answers: busy, refusing, closed to us, broken.

The answers are those of the documents of 1.x, 2.x and 3, given by a small web server on loopback.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from cloud_ingest.stores.influx import InfluxStore
from cloud_ingest.stores.query import CountLatest, Rows
from cloud_ingest.stores.store import Point, Rejected, StoreMisconfigured, StoreUnavailable
from devices.contract.readings import TruckPosition
from simulators.servers import free_port
from tests.integration.stores.county import HOUR, position

Answer = tuple[int, object, dict[str, str]]
DONE: Answer = (204, None, {})


class Scripted:
    """A server that gives the next answer of a list (the last for ever), or what a function says of the lines."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [DONE]
        self.judge: Callable[[list[str]], Answer] | None = None
        self.requests: list[tuple[str, dict[str, str], dict[str, str], str]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.requests.append((request.path, dict(request.query), dict(request.headers), body))
        if self.judge:
            status, said, headers = self.judge(body.split("\n"))
        else:
            status, said, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if said is None or isinstance(said, str):
            return web.Response(status=status, text=said, headers=headers)
        return web.json_response(said, status=status, headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    scripted.url = f"http://127.0.0.1:{port}"
    yield scripted
    await runner.cleanup()


@pytest.fixture
async def opened(server: Scripted) -> AsyncIterator[Callable[..., InfluxStore]]:
    stores: list[InfluxStore] = []

    def make(**options) -> InfluxStore:
        stores.append(InfluxStore(server.url, "county", **options))
        return stores[-1]

    yield make
    for store in stores:
        await store.close()


def points(count: int) -> list[Point]:
    """All of one device, so that they go one way."""
    return [Point(position("truck-a", second, 1.0)) for second in range(count)]


async def test_lines_go_to_the_1x_path_in_milliseconds(server: Scripted, opened: Callable[..., InfluxStore]):
    await opened(username="ingest", password="pass: word").write(points(2))
    ((path, query, headers, body),) = server.requests
    assert (path, query) == ("/write", {"db": "county", "precision": "ms"})
    assert headers["Authorization"] == "Basic " + b64encode(b"ingest:pass: word").decode()
    assert [line.split()[-1] for line in body.split("\n")] == ["1772352000000", "1772352001000"]


async def test_lines_go_to_the_2x_path_with_a_token(server: Scripted, opened: Callable[..., InfluxStore]):
    store = opened(token="secret", write_path="/api/v2/write", org="county org")
    await store.write(points(1))
    ((path, query, headers, _),) = server.requests
    assert (path, query) == ("/api/v2/write", {"org": "county org", "bucket": "county", "precision": "ms"})
    assert headers["Authorization"] == "Token secret"


async def test_questions_are_posted_and_answered_in_milliseconds(server: Scripted, opened: Callable[..., InfluxStore]):
    server.answers = [
        (200, {"results": [{"series": [{"name": "m", "columns": ["time", "count"], "values": [[0, 3]]}]}]}, {})
    ]
    table = await opened().query(CountLatest(TruckPosition, "clock"), HOUR)
    assert table.rows == [(HOUR.start, 3)]
    ((path, query, _, body),) = server.requests
    assert (path, query) == ("/query", {})
    assert body.startswith("db=county&epoch=ms&q=SELECT")


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_gets_patience_and_then_the_points(
    server: Scripted, opened: Callable[..., InfluxStore], status: int
):
    server.answers = [(status, {"message": "too many"}, {"Retry-After": "0"}), (status, "", {}), DONE]
    assert await opened().write(points(3)) == []
    assert len(server.requests) == 3


async def test_patience_ends(server: Scripted, opened: Callable[..., InfluxStore]):
    server.answers = [(503, {"error": "too many"}, {"Retry-After": "5"})]
    with pytest.raises(StoreUnavailable, match=r"busy \(503\): too many"):
        await opened(patience_s=1).write(points(1))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((401, {"code": "unauthorized", "message": "unauthorized access"}, {}), StoreMisconfigured, "token"),
        ((403, {"error": "ingest not authorized to write"}, {}), StoreMisconfigured, "not authorized to write"),
        ((404, {"error": 'database not found: "county"'}, {}), StoreMisconfigured, "cloud-ingest setup"),
        ((404, {"code": "not found", "message": "unable to find DBRP"}, {}), StoreMisconfigured, "DBRP"),
        ((500, {"error": "timeout"}, {}), StoreUnavailable, "500.*timeout"),
        ((502, "<html>bad gateway", {}), StoreUnavailable, "bad gateway"),
    ],
)
async def test_an_answer_is_named_for_what_to_do(
    server: Scripted, opened: Callable[..., InfluxStore], answer: Answer, error: type[Exception], said: str
):
    server.answers = [answer]
    store = opened()
    with pytest.raises(error, match=said):
        await store.write(points(1))
    with pytest.raises(error, match=said):
        await store.query(CountLatest(TruckPosition, "clock"), HOUR)
    assert not await store.healthy()


@pytest.mark.parametrize(
    "answer",
    [
        {"results": [{"partial": True, "series": []}]},
        {"results": [{"series": [{"columns": ["time"], "values": [], "partial": True}]}]},
        {"results": [{"error": "query interrupted"}]},
        {"results": 7},
        "no json",
    ],
)
async def test_an_answer_that_is_cut_or_none_is_not_taken_for_the_whole(
    server: Scripted, opened: Callable[..., InfluxStore], answer: object
):
    server.answers = [(200, answer, {})]
    with pytest.raises(StoreUnavailable):
        await opened().query(Rows(TruckPosition, ("clock",)), HOUR)


def refuses(bad: set[str], status: int, body: Callable[[int], object]) -> Callable[[list[str]], Answer]:
    """A judge who will not have lines that end in these times, and says so."""

    def judge(lines: list[str]) -> Answer:
        count = sum(line.rsplit(" ", 1)[1] in bad for line in lines)
        return (status, body(count), {}) if count else DONE

    return judge


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, lambda n: {"error": f"partial write: points beyond retention policy dropped={n}"}),
        (400, lambda _: {"error": "partial write: unable to parse 'x': invalid number dropped=0"}),
        (422, lambda n: {"code": "unprocessable entity", "message": f"field type conflict dropped={n}"}),
        (400, lambda _: {"error": "partial write of line protocol occurred", "data": [{"error_message": "no"}]}),
    ],
)
async def test_refused_points_are_found_each_with_the_servers_reason(
    server: Scripted, opened: Callable[..., InfluxStore], status: int, body: Callable[[int], object]
):
    server.judge = refuses({"1772352000000", "1772352001000", "1772352777000"}, status, body)
    refused = await opened().write(points(1000))
    assert [rejected.position for rejected in refused] == [0, 1, 777]
    assert all(rejected.reason for rejected in refused)
    assert len(server.requests) < 60


async def test_lines_too_large_for_the_server_are_sent_in_halves(server: Scripted, opened: Callable[..., InfluxStore]):
    server.judge = lambda lines: (413, {"error": "too large"}, {}) if len(lines) > 300 else DONE
    assert await opened().write(points(1000)) == []
    taken = [body for _, _, _, body in server.requests if body.count("\n") < 300]
    assert sum(body.count("\n") + 1 for body in taken) == 1000


async def test_a_search_among_very_many_refused_points_ends(server: Scripted, opened: Callable[..., InfluxStore]):
    """Every second one, and the server does not say how many: the rest is returned unsearched."""
    bad = {str(1772352000000 + 1000 * n) for n in range(0, 4000, 2)}
    server.judge = refuses(bad, 400, lambda _: {"error": "partial write: beyond our understanding"})
    refused = await opened().write(points(4000))
    assert {2 * n for n in range(2000)} <= {rejected.position for rejected in refused}
    assert any("not tried alone" in rejected.reason for rejected in refused)
    assert len(server.requests) < 2200


async def test_a_point_that_is_no_line_is_not_sent(server: Scripted, opened: Callable[..., InfluxStore]):
    nan = Point(position("truck-a", 0, float("nan")))
    assert await opened().write([nan]) == [Rejected(0, "nan is no number that a store can keep")]
    assert server.requests == []


async def test_a_devices_points_keep_their_order_over_chunks_and_calls(
    server: Scripted, opened: Callable[..., InfluxStore], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cloud_ingest.stores.influx.CHUNK_LINES", 10)
    store = opened()
    await asyncio.gather(*(store.write(points(100)[part * 25 : part * 25 + 25]) for part in range(4)))
    sent = [line.rsplit(" ", 1)[1] for _, _, _, body in server.requests for line in body.split("\n")]
    assert sent == sorted(sent)
    assert len(sent) == 100
