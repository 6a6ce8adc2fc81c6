"""The catalogue on a running Grafana: upload it where files cannot be provisioned, and ask it every panel's query."""

from __future__ import annotations

import json
from typing import Any

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaBadInputError, GrafanaClientError, GrafanaException
from niquests.exceptions import RequestException

from dashboards.catalogue import CATALOGUE
from dashboards.grafana import targets, written
from dashboards.panels import Dashboard, Panel

FOLDER = "county"


class GrafanaUnreachable(Exception):
    """Grafana does not answer, or refuses the token; the text says which."""


def push(url: str, token: str) -> list[str]:
    """Upload every dashboard into the folder `county`, overwriting; their uids. Raises GrafanaUnreachable."""
    api = _connect(url, token)
    with _Reaching(url):
        _make_folder(api)
        for page in CATALOGUE:
            model = json.loads(written(page))
            _post(api, "/dashboards/db", {"dashboard": model, "folderUid": FOLDER, "overwrite": True})
    return [page.uid for page in CATALOGUE]


def verify(url: str, token: str) -> list[str]:
    """Ask Grafana every query of every panel, over an hour; a line for each that fails. Raises GrafanaUnreachable."""
    api = _connect(url, token)
    failed = []
    for page in CATALOGUE:
        for panel in page.panels:
            failed.extend(_verify(api, url, page, panel))
    return failed


def _verify(api: GrafanaApi, url: str, page: Dashboard, panel: Panel) -> list[str]:
    asked = [
        {**target.to_json(), "query": _all(str(target.query), page), "intervalMs": 60_000, "maxDataPoints": 500}
        for target in targets(panel)
    ]
    try:
        with _Reaching(url):
            answer = _post(api, "/ds/query", {"queries": asked, "from": "now-1h", "to": "now"})
    except GrafanaBadInputError as error:
        return [f"{page.uid} panel {panel.frame.id}: {error}"]
    results = answer.get("results", {})
    return [
        f"{page.uid} panel {panel.frame.id} {letter}: {result['error']}"
        for letter, result in sorted(results.items())
        if result.get("error")
    ] + [
        f"{page.uid} panel {panel.frame.id} {question['refId']}: no answer"
        for question in asked
        if question["refId"] not in results
    ]


def _all(query: str, page: Dashboard) -> str:
    """Variables are filled in by Grafana's page, not by its server: here every one of them lets all pass."""
    for choice in page.choices:
        query = query.replace(f"${{{choice.name}:regex}}", ".*")
    return query


def _make_folder(api: GrafanaApi) -> None:
    known: Any = api.client.GET("/folders")
    if not any(folder.get("uid") == FOLDER for folder in known):
        _post(api, "/folders", {"uid": FOLDER, "title": "County 全县"})


def _post(api: GrafanaApi, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = api.client.POST(path, json=body)
    return answer


def _connect(url: str, token: str) -> GrafanaApi:
    api: GrafanaApi = GrafanaApi.from_url(url, credential=token)
    return api


class _Reaching:
    """Turns the client's errors into ours, but for a query that Grafana itself calls wrong."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, GrafanaBadInputError):
            return
        if isinstance(error, GrafanaClientError | GrafanaException | RequestException | OSError):
            raise GrafanaUnreachable(f"{self._url}: {error}") from error
