"""Push and verify, against a server that behaves as Grafana's API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dashboards.catalogue import CATALOGUE
from dashboards.cli import NO, OK, UNREACHABLE, main
from dashboards.grafana_server import GrafanaUnreachable, push, verify

TOKEN = "glsa_of_the_test"


class Grafana(ThreadingHTTPServer):
    """Folders, dashboards and /api/ds/query, as far as they are used."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folders: list[dict[str, Any]] = []
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.queries: list[dict[str, Any]] = []
        self.broken = ""
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Grafana

    def do_GET(self) -> None:
        if not self._known():
            return
        self._answer(self.server.folders if self.path == "/api/folders" else {"buildInfo": {"version": "12.0.0"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._known():
            return
        if self.path == "/api/folders":
            self.server.folders.append(body)
            self._answer(body)
        elif self.path == "/api/dashboards/db":
            self.server.dashboards[body["dashboard"]["uid"]] = body
            self._answer({"status": "success"})
        else:
            self.server.queries.extend(body["queries"])
            results = {asked["refId"]: self._result(asked) for asked in body["queries"]}
            self._answer({"results": results})

    def _result(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.server.broken and self.server.broken in asked["query"]:
            return {"error": "error parsing query", "status": 400}
        return {"frames": []}

    def _known(self) -> bool:
        if self.headers["Authorization"] == f"Bearer {TOKEN}":
            return True
        self._answer({"message": "invalid API key"}, 401)
        return False

    def _answer(self, body: Any, status: int = 200) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    server = Grafana()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_every_dashboard_is_uploaded_into_one_folder_which_is_made_once(grafana: Grafana):
    assert push(grafana.url, TOKEN) == [page.uid for page in CATALOGUE]
    push(grafana.url, TOKEN)
    assert [folder["uid"] for folder in grafana.folders] == ["county"]
    assert set(grafana.dashboards) == {page.uid for page in CATALOGUE}
    assert all(sent["folderUid"] == "county" and sent["overwrite"] for sent in grafana.dashboards.values())


def test_every_target_is_asked_and_no_variable_is_left_in_it(grafana: Grafana):
    assert verify(grafana.url, TOKEN) == []
    assert len(grafana.queries) >= sum(len(page.panels) for page in CATALOGUE)
    assert not [asked for asked in grafana.queries if "${" in asked["query"]]


def test_a_query_that_fails_is_named_by_dashboard_panel_and_letter(grafana: Grafana):
    grafana.broken = "lag_p50_ms"
    failed = verify(grafana.url, TOKEN)
    assert "county-pipeline panel 7 A: error parsing query" in failed


def test_a_wrong_token_is_unreachable_and_says_so(grafana: Grafana):
    with pytest.raises(GrafanaUnreachable, match="Unauthorized"):
        push(grafana.url, "wrong")


def test_the_command_gives_0_1_and_3(grafana: Grafana, tmp_path, capsys):
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    assert main(["push", "--url", grafana.url, "--token-file", str(token)]) == OK
    assert main(["verify", "--url", grafana.url, "--token-file", str(token)]) == OK
    grafana.broken = "device_link"
    assert main(["verify", "--url", grafana.url, "--token-file", str(token)]) == NO
    token.write_text("wrong")
    assert main(["verify", "--url", grafana.url, "--token-file", str(token)]) == UNREACHABLE
    assert "wrong" not in capsys.readouterr().err
