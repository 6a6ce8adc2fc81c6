"""A dashboard as a page: head, controls and one section per panel. The pictures follow over the page's own socket."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import urlencode

from nicegui import ui

from dashboards.catalogue import CATALOGUE
from dashboards.panels import Dashboard, MapView, Panel, Stat, StateTimeline, TimeSeries
from dashboards.spans import SPANS
from dashboards.states import Language, Words

_TITLE = Words("County monitor", "县域物联监测")
_ALL = Words("All", "全部")
_RANGE = Words("Range", "时间范围")
_MORE = Words("More", "查看详情")
_WAITING = Words("Waiting for the store", "正在读取数据")
_LANGUAGE = Words("Language", "语言")


class Visit(NamedTuple):
    """What the viewer asks for in the address: every view can be linked to, and survives a reload."""

    dashboard: Dashboard
    language: Language
    span: str
    wall: bool
    choices: Mapping[str, str]

    def address(self, uid: str, **changed: str) -> str:
        """The address of another dashboard, or of this one with something changed; choices that it knows are kept."""
        known = {choice.name for page in CATALOGUE if page.uid == uid for choice in page.choices}
        kept = {name: value for name, value in self.choices.items() if name in known and value and name != "device"}
        query = {"lang": self.language, **kept, **({"wall": "1"} if self.wall else {}), **changed}
        return f"/{uid}?{urlencode(query)}"


def visit(
    uid: str, query: Mapping[str, str], language: Language, known: Sequence[Dashboard] = CATALOGUE
) -> Visit | None:
    """Read an address; what makes no sense in it falls back to the default. None: there is no such dashboard."""
    dashboard = next((page for page in known if page.uid == uid), None)
    if dashboard is None:
        return None
    said = query.get("lang", language)
    span = query.get("span", "")
    return Visit(
        dashboard,
        "en" if said == "en" else "zh" if said == "zh" else language,
        span if span in SPANS else dashboard.span,
        query.get("wall") == "1",
        {choice.name: value for choice in dashboard.choices if (value := query.get(choice.name, "")[:64])},
    )


def build(visit: Visit, options: Mapping[str, Sequence[tuple[str, str]]], zone: str) -> dict[int, int]:
    """Make the page's elements. Returns, for each panel that draws in an element of its own, that element's id."""
    language = visit.language
    ui.html(top(visit, options), sanitize=False)
    ui.element("div").classes("banner").props("role=alert aria-live=assertive")
    rows = max(panel.frame.place.y + panel.frame.place.h for panel in visit.dashboard.panels)
    elements: dict[int, int] = {}
    with ui.element("main").classes("grid24").style(f"--rows: {rows}"):
        for panel in visit.dashboard.panels:
            element = _section(panel, visit)
            if element is not None:
                elements[panel.frame.id] = element
    ui.query("body").classes("wall" if visit.wall else "free")
    start = {"zone": zone, "language": language, "elements": elements}
    ui.run_javascript(f"county.start({json.dumps(start)})")
    return elements


def top(visit: Visit, options: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """The head of the page: where one is, where one can go, what is chosen. A plain form: it works by keyboard."""
    language = visit.language
    links = "".join(_link(page, visit) for page in CATALOGUE)
    selects = "".join(
        _select(
            choice.name,
            choice.title.say(language),
            [("", _ALL.say(language)), *options.get(choice.name, ())],
            visit.choices.get(choice.name, ""),
        )
        for choice in visit.dashboard.choices
    )
    spans = _select(
        "span", _RANGE.say(language), [(name, span.words.say(language)) for name, span in SPANS.items()], visit.span
    )
    languages = _select("lang", _LANGUAGE.both(), [("zh", "中文"), ("en", "English")], language)
    return (
        f'<div class="top"><h1>{_heading(visit)}</h1>'
        f'<nav aria-label="{escape(_TITLE.say(language))}">{links}</nav>'
        f'<form method="get">{selects}{spans}{languages}</form>'
        '<span class="clock" aria-hidden="true"></span><span class="live" role="status"></span></div>'
    )


def _heading(visit: Visit) -> str:
    if not visit.wall:
        return escape(_TITLE.say(visit.language))
    title = visit.dashboard.title
    other = title.en if visit.language == "zh" else title.zh
    return f"{escape(title.say(visit.language))}<small>{escape(other)}</small>"


def _link(page: Dashboard, visit: Visit) -> str:
    here = ' aria-current="page"' if page is visit.dashboard else ""
    return f'<a href="{escape(visit.address(page.uid))}"{here}>{escape(page.title.say(visit.language))}</a>'


def _select(name: str, title: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    if chosen and chosen not in {value for value, _ in options}:
        options = [*options, (chosen, chosen)]
    inner = "".join(
        f'<option value="{escape(value, quote=True)}"{" selected" if value == chosen else ""}>{escape(text)}</option>'
        for value, text in options
    )
    return f'<label>{escape(title)}<select name="{name}">{inner}</select></label>'


def _section(panel: Panel, visit: Visit) -> int | None:
    """One panel's place on the grid. Its body is filled by the page's script."""
    frame, language = panel.frame, visit.language
    place = frame.place
    area = f"{place.y + 1} / {place.x + 1} / span {place.h} / span {place.w}"
    kind = " is-stat" if isinstance(panel, Stat) else " is-map" if isinstance(panel, MapView) else ""
    section = ui.element("section").classes(f"panel{kind}")
    section.props(f'id=panel-{frame.id} aria-labelledby="title-{frame.id}"')
    section.style(f"grid-area: {area}; --h: {place.h}")
    element: int | None = None
    with section:
        ui.html(_head(panel, visit), sanitize=False)
        with ui.element("div").classes("body"):
            # Empty for Vue, so that it never puts its own idea of the content over what the script has drawn.
            ui.element("div").classes("html").props(f'data-waiting="{_WAITING.say(language)} …"')
            if isinstance(panel, TimeSeries | StateTimeline):
                element = ui.echart({}).classes("drawn").id
            elif isinstance(panel, MapView):
                element = _map()
        ui.element("div").classes("error").props("role=alert")
    return element


def _head(panel: Panel, visit: Visit) -> str:
    frame, language = panel.frame, visit.language
    title = escape(frame.title.say(language))
    if frame.link and frame.link != visit.dashboard.uid:
        title = f'<a href="{escape(visit.address(frame.link))}" title="{escape(_MORE.say(language))}">{title} ↗</a>'
    fixed = ""
    if frame.look_back in ("24h", "7d"):
        fixed = f'<span class="window">{escape(SPANS[frame.look_back].words.say(language))}</span>'
    about = escape(f"{frame.title.both()} — {frame.about.say(language)}", quote=True)
    return f'<header title="{about}"><h2 id="title-{frame.id}">{title}</h2>{fixed}</header>'


def _map() -> int:
    """A map that has no tiles of anybody: NiceGUI's default layer is taken off before the browser hears of it."""
    drawn = ui.leaflet(center=(0.0, 0.0), zoom=2, options={"attributionControl": False, "zoomSnap": 0.25})
    drawn.clear_layers()
    drawn.classes("drawn")
    return drawn.id
