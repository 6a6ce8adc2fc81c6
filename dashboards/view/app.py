"""The view as a program: one store, one feed for all screens, one web server; ends cleanly when told to.

Nothing leaves the machine: every script and font comes from this server, and a content security policy makes the
browser refuse anything else (but the county's own tiles, where configured).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from nicegui import Client, app, ui

from cloud_ingest.stores.store import StoreUnavailable
from dashboards.catalogue import CATALOGUE
from dashboards.panels import Dashboard, MapView
from dashboards.spans import SPANS, window
from dashboards.states import Language, Words
from dashboards.view.county_map import draw_outlines
from dashboards.view.feed import Feed
from dashboards.view.late_store import LateStore
from dashboards.view.look import Look
from dashboards.view.outlines import read_outlines
from dashboards.view.page import Visit, build, visit
from dashboards.view.screen import Album, Screen
from dashboards.view.settings import ViewSettings

_STATIC = Path(__file__).parent / "static"
#: How often an open page is given what changed, and how often it is told how old its picture is.
_TICK_S = 0.3
_PULSE_S = 2.0
_OPTIONS_S = 20.0
_PATIENCE_S = 3.0

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class View:
    """What all pages share."""

    def __init__(self, settings: ViewSettings) -> None:
        self.settings = settings
        self.outlines = read_outlines(settings.registry)
        self.zone = ZoneInfo(settings.time_zone)
        self.store = LateStore(settings.store)
        self.feed = Feed(self.store)
        self.album = Album()
        self.screens = 0
        self._options: dict[str, tuple[float, list[tuple[str, str]]]] = {}

    def look(self, language: Language) -> Look:
        """How pages in a language say things."""
        return Look(language, self.zone, self.outlines.village_names())

    async def options(self, dashboard: Dashboard, language: Language) -> dict[str, list[tuple[str, str]]]:
        """What may be chosen on a dashboard now, (value, text); nothing where the store does not answer."""
        return {
            choice.name: await self._values(
                f"{dashboard.uid}/{choice.name}/{language}", choice.query, choice.column, language
            )
            for choice in dashboard.choices
        }

    async def _values(self, key: str, query: Any, column: str, language: Language) -> list[tuple[str, str]]:  # noqa: ANN401
        made, values = self._options.get(key, (float("-inf"), []))
        if time.monotonic() - made < _OPTIONS_S:
            return values
        try:
            async with asyncio.timeout(_PATIENCE_S):
                table = await self.store.query(query, window(SPANS["1h"], datetime.now(UTC)))
        except (StoreUnavailable, TimeoutError):
            return values
        place = table.columns.index(column)
        found = sorted({str(row[place]) for row in table.rows if row[place]})
        names = self.outlines.village_names() if column == "village" else {}
        values = [(value, names.get(value, Words(value, value)).say(language)) for value in found]
        self._options[key] = (time.monotonic(), values)
        return values


def _head() -> str:
    """The page's own style and script, under names that change with their content."""
    parts = []
    for name, tag in (("county.css", '<link rel="stylesheet" href="{}">'), ("county.js", '<script src="{}"></script>')):
        version = hashlib.blake2s((_STATIC / name).read_bytes(), digest_size=4).hexdigest()
        parts.append(tag.format(f"/county/{name}?{version}"))
    return "".join(parts)


async def open_page(view: View, uid: str, request: Request, client: Client) -> None:
    """Build one page and keep it fed until it is closed."""
    asked = visit(uid, request.query_params, view.settings.language)
    if asked is None:
        ui.html("<p class=nothing>404</p>", sanitize=False)
        return
    ui.page_title(asked.dashboard.title.both())
    ui.add_head_html(_head())
    elements = build(asked, await view.options(asked.dashboard, asked.language), view.settings.time_zone)
    _send_outlines(view, asked, elements)
    look = view.look(asked.language)
    screen = Screen(asked.dashboard, SPANS[asked.span], asked.choices, look, view.feed, view.album)
    view.screens += 1

    def leave() -> None:
        view.screens -= 1
        screen.leave()

    client.on_delete(leave)
    told_at = float("-inf")

    def tick() -> None:
        nonlocal told_at
        if not client.has_socket_connection:
            return
        now = datetime.now(UTC)
        calls = []
        if changed := screen.changes(now):
            calls.append(f"county.draw({_json(changed)})")
        if time.monotonic() - told_at >= _PULSE_S or changed:
            told_at = time.monotonic()
            calls.append(f"county.beat({_json(screen.pulse(now))})")
        if calls:
            client.run_javascript(";".join(calls))

    ui.timer(_TICK_S, tick)


def _send_outlines(view: View, asked: Visit, elements: dict[int, int]) -> None:
    shapes = _json(draw_outlines(view.outlines, asked.language))
    tiles, credit = _json(view.settings.tile_url), _json(view.settings.tile_attribution)
    for panel in asked.dashboard.panels:
        if isinstance(panel, MapView) and panel.frame.id in elements:
            ui.run_javascript(f"county.outlines({panel.frame.id}, {shapes}, {tiles}, {credit})")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def make(view: View) -> FastAPI:
    """The web application: pages, health, static files, and the policy that keeps browsers on this server."""
    web = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @web.get("/healthz")
    async def healthz() -> JSONResponse:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await view.store.query(CATALOGUE[0].choices[0].query, window(SPANS["15m"], datetime.now(UTC)))
        except (StoreUnavailable, TimeoutError) as error:
            return JSONResponse({"ok": False, "why": str(error) or "the store does not answer"}, 503)
        return JSONResponse({"ok": True, "screens": view.screens, "questions": view.feed.questions})

    @web.get("/")
    async def root(request: Request) -> RedirectResponse:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/{CATALOGUE[0].uid}{query}")

    @ui.page("/{uid}")
    async def page(uid: str, request: Request, client: Client) -> None:
        await open_page(view, uid, request, client)

    app.add_static_files("/county", str(_STATIC), max_cache_age=31_536_000)
    web.add_middleware(_StayHere, policy=_policy(view.settings.tile_url))
    ui.run_with(
        web,
        title="County monitor",
        dark=True,
        tailwind=False,
        binding_refresh_interval=None,
        show_welcome_message=False,
        reconnect_timeout=5.0,
        message_history_length=50,
    )
    return web


def _policy(tile_url: str) -> str:
    tiles = urlsplit(tile_url)
    images = f" {tiles.scheme}://{tiles.netloc}" if tiles.netloc else ""
    return (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{images}; font-src 'self' data:; connect-src 'self' ws: wss:; "
        "frame-ancestors 'self'"
    )


class _StayHere:
    """Adds the content security policy to every answer."""

    def __init__(self, app: Callable[..., Awaitable[None]], policy: str) -> None:
        self._app = app
        self._header = (b"content-security-policy", policy.encode())

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        async def sealed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), self._header]
            await send(message)

        await self._app(scope, receive, sealed)


class _Server(uvicorn.Server):
    """Says its address once it listens, and ends on a signal without dying of it.

    uvicorn raises the signal again when it is done, which would end the process before the store is closed.
    """

    def __init__(self, config: uvicorn.Config, started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._say = started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ask for the end on SIGTERM and SIGINT, once each."""
        loop = asyncio.get_running_loop()
        for which in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(which, self.handle_exit, which, None)
        try:
            yield
        finally:
            for which in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(which)

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401 - uvicorn's own signature
        await super().startup(sockets)
        if self.started and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._say(f"http://{f'[{host}]' if ':' in host else host}:{port}/")


async def serve(settings: ViewSettings, host: str, started: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError for a registry that cannot be read."""
    view = View(settings)
    config = uvicorn.Config(
        make(view),
        host=host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            feed = tasks.create_task(view.feed.run(), name="feed")
            await _Server(config, started).serve()
            feed.cancel()
    finally:
        await view.store.close()
