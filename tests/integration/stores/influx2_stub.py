"""The few paths of an InfluxDB 2.x that the set-up uses, as its API documents describe them, keeping what is made.

Not a real server: none can be installed here. It holds our requests to the documents, no more.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

ADMIN = "operator-token"


class Influx2Stub:
    """Runs on loopback; `orgs`, `buckets`, `mappings`, `tokens` are what it has, `changes` what was asked of it."""

    def __init__(self) -> None:
        self.orgs: list[dict[str, Any]] = []
        self.buckets: list[dict[str, Any]] = []
        self.mappings: list[dict[str, Any]] = []
        self.tokens: list[dict[str, Any]] = []
        self.changes: list[str] = []
        self.broken = False
        self._ids = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                url = urlsplit(self.path)
                token = (self.headers.get("Authorization") or "").removeprefix("Token ")
                status, answer = stub.answer(self.command, url.path, dict(parse_qsl(url.query)), body, token)
                data = json.dumps(answer).encode() if answer is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any], token: str
    ) -> tuple[int, dict[str, Any] | None]:
        """Status and body for one request."""
        if self.broken:
            return 500, {"code": "internal error", "message": "on fire"}
        if method != "GET":
            self.changes.append(f"{method} {path}")
        parts = path.removeprefix("/api/v2/").split("/")
        if token != ADMIN:
            return self._for_others(parts, token)
        match method, parts:
            case "GET", ["orgs"]:
                found = [org for org in self.orgs if org["name"] == query.get("org")]
                return (200, {"orgs": found}) if found else (404, _error("organization name not found"))
            case "POST", ["orgs"]:
                return 201, self._keep(self.orgs, body)
            case "GET", ["buckets"]:
                found = [bucket for bucket in self.buckets if bucket["name"] == query.get("name")]
                return 200, {"buckets": found}
            case "POST", ["buckets"]:
                return 201, self._keep(self.buckets, {"retentionRules": [], **body})
            case "PATCH", ["buckets", id]:
                (bucket,) = [bucket for bucket in self.buckets if bucket["id"] == id]
                bucket |= body
                return 200, bucket
            case "GET", ["dbrps"]:
                return 200, {"content": [*self._virtual(query), *self._mapped(query)]}
            case "POST", ["dbrps"]:
                made = {"orgID": "", "virtual": False, **body}
                if any(old["database"] == made["database"] for old in self.mappings):
                    return 400, _error("dbrp already exists")
                return 201, self._keep(self.mappings, made)
            case "PATCH", ["dbrps", id]:
                (mapping,) = [mapping for mapping in self.mappings if mapping["id"] == id]
                mapping |= body
                return 200, {"content": mapping}
            case "DELETE", ["dbrps", id]:
                self.mappings = [mapping for mapping in self.mappings if mapping["id"] != id]
                return 204, None
            case "GET", ["authorizations"]:
                return 200, {"authorizations": [{**token, "token": "redacted"} for token in self.tokens]}
            case "POST", ["authorizations"]:
                return 201, self._keep(self.tokens, {**body, "token": f"secret-{self._ids}"})
            case "DELETE", ["authorizations", id]:
                self.tokens = [token for token in self.tokens if token["id"] != id]
                return 204, None
            case "GET", ["buckets", id]:
                return 200, next(bucket for bucket in self.buckets if bucket["id"] == id)
        return 404, _error("path not found")

    def _for_others(self, parts: list[str], token: str) -> tuple[int, dict[str, Any]]:
        """A token that is not the administrator's may see the bucket that it is for."""
        for known in self.tokens:
            if known["token"] == token:
                allowed = {permission["resource"]["id"] for permission in known["permissions"]}
                if parts[0] == "buckets" and parts[1:] and parts[1] in allowed:
                    return 200, next(bucket for bucket in self.buckets if bucket["id"] == parts[1])
                return 404, _error("bucket not found")
        return 401, _error("unauthorized access", "unauthorized")

    def _virtual(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """A bucket that is not mapped is shown as if it were, under its own name."""
        mapped = {mapping["bucketID"] for mapping in self.mappings}
        return [
            {
                "id": bucket["id"],
                "bucketID": bucket["id"],
                "orgID": bucket["orgID"],
                "database": bucket["name"],
                "retention_policy": "autogen",
                "default": True,
                "virtual": True,
            }
            for bucket in self.buckets
            if bucket["name"] == query.get("db") and bucket["id"] not in mapped
        ]

    def _mapped(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [mapping for mapping in self.mappings if mapping["database"] == query.get("db")]

    def _keep(self, where: list[dict[str, Any]], made: dict[str, Any]) -> dict[str, Any]:
        self._ids += 1
        where.append({"id": f"{self._ids:016x}", **made})
        return where[-1]


def _error(message: str, code: str = "not found") -> dict[str, Any]:
    return {"code": code, "message": message}
