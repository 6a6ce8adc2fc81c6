"""One InfluxDB server over HTTP: lines posted, InfluxQL asked, and every answer named for what the caller must do.

| the server says                          | here                                                              |
|------------------------------------------|-------------------------------------------------------------------|
| 2xx                                      | done                                                              |
| 400, 422 (bad line, conflict, retention) | `Refusal`: some of these lines will never be taken                |
| 413                                      | `Refusal` too: half of them may fit                               |
| 401, 403, 404                            | StoreMisconfigured, saying which setting                          |
| 429, 503                                 | asked again as `Retry-After` says, then StoreUnavailable          |
| anything else, no answer, no connection  | StoreUnavailable                                                  |
"""

from __future__ import annotations

import asyncio
import random
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import aiohttp
import msgspec

from cloud_ingest.stores.store import StoreMisconfigured, StoreUnavailable

WritePath = Literal["/write", "/api/v2/write"]


class Refusal(NamedTuple):
    """The server's reason, and how many lines it says it dropped (None where it does not say)."""

    reason: str
    dropped: int | None


class Series(msgspec.Struct, frozen=True):
    """One series of an InfluxQL answer; with `epoch=ms` the first of each row's values is the time."""

    columns: list[str]
    tags: dict[str, str] = {}
    values: list[list[Any]] = []
    partial: bool = False


class _Result(msgspec.Struct, frozen=True):
    series: list[Series] = []
    error: str = ""
    partial: bool = False


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result] = []


_DROPPED = re.compile(r"dropped=(\d+)")
_results = msgspec.json.Decoder(_Results)


class InfluxServer:
    """A database on a server. Nothing is connected before the first request; `close` ends what was."""

    def __init__(
        self,
        url: str,
        database: str,
        *,
        token: str = "",
        username: str = "",
        password: str = "",
        write_path: WritePath = "/write",
        org: str = "",
        bucket: str = "",
        timeout_s: float = 10.0,
        patience_s: float = 10.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._database = database
        self._headers = {}
        if token:
            self._headers["Authorization"] = f"Token {token}"
        elif username:
            login = b64encode(f"{username}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {login}"
        self._write_path = write_path
        # Only milliseconds are named alike in 1.x and 2.x.
        self._write_query = {"db": database, "precision": "ms"}
        if write_path == "/api/v2/write":
            self._write_query = {"org": org, "bucket": bucket or database, "precision": "ms"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._patience_s = patience_s
        self._session: aiohttp.ClientSession | None = None

    def __str__(self) -> str:
        """For messages: where, and which database."""
        return f"InfluxDB at {self._url}, database {self._database!r}"

    async def post(self, lines: bytes) -> Refusal | None:
        """Write lines, separated by line ends: None when the server has them on disk."""
        status, body = await self._ask_patiently(self._write_path, self._write_query, lines)
        if status < 300:
            return None
        reason = _error(body)
        if status in (400, 413, 422):
            dropped = _DROPPED.search(reason)
            return Refusal(reason, int(dropped[1]) if dropped else None)
        raise self._translated(status, reason)

    async def ask(self, statement: str) -> list[Series]:
        """The series that answer one InfluxQL statement; none is a valid answer."""
        form = {"db": self._database, "epoch": "ms", "q": statement}
        status, body = await self._ask_patiently("/query", {}, form)
        if status >= 300:
            raise self._translated(status, _error(body))
        try:
            results = _results.decode(body).results
        except msgspec.DecodeError as error:
            raise StoreUnavailable(f"{self}: an answer that is none: {error}") from error
        for result in results:
            if result.error:
                raise self._translated(404 if "database not found" in result.error else 500, result.error)
            if result.partial or any(series.partial for series in result.series):
                raise StoreUnavailable(f"{self}: the answer is cut off (max-row-limit): ask for less")
        return [series for result in results for series in result.series]

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask_patiently(
        self, path: str, query: Mapping[str, str], data: bytes | dict[str, str]
    ) -> tuple[int, bytes]:
        """One request, made again while the server is busy (429, 503) and our patience lasts."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s
        attempt = 0
        while True:
            status, body, retry_after_s = await self._request(path, query, data)
            if status not in (429, 503):
                return status, body
            wait_s = retry_after_s if retry_after_s is not None else random.uniform(0.1, 0.2) * 1.5**attempt
            if loop.time() + wait_s > deadline:
                raise StoreUnavailable(f"{self} is busy ({status}): {_error(body)}")
            await asyncio.sleep(wait_s)
            attempt += 1

    async def _request(
        self, path: str, query: Mapping[str, str], data: bytes | dict[str, str]
    ) -> tuple[int, bytes, float | None]:
        try:
            async with self._connected().post(self._url + path, params=query, data=data) as response:
                return response.status, await response.read(), _seconds(response.headers.get("Retry-After"))
        except TimeoutError as error:
            raise StoreUnavailable(f"{self} did not answer in {self._timeout.total} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise StoreUnavailable(f"{self}: {str(error) or type(error).__name__}") from error

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self._session

    def _translated(self, status: int, reason: str) -> StoreUnavailable:
        if status in (401, 403):
            return StoreMisconfigured(f"{self} refuses our token or password ({status}): {reason}")
        if status == 404:
            return StoreMisconfigured(
                f"{self}: {reason or 'not found'}. Create it (1.x: CREATE DATABASE; 2.x: cloud-ingest setup), "
                f"or correct store.database, org, bucket or write_path ({self._write_path})"
            )
        return StoreUnavailable(f"{self} ({status}): {reason}")


def _error(body: bytes) -> str:
    """The reason in an error's body: 1.x and 3 say `error`, 2.x `message`; else the text itself."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        reason = said.get("error") or said.get("message") or ""
        details = said.get("data")
        text = f"{reason}: {details}" if details else str(reason)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body.decode(errors="replace")
    return text.strip()[:300]


def _seconds(retry_after: str | None) -> float | None:
    """The header's seconds; a date is not taken, none of these servers sends one."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
