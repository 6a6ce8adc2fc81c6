"""What a state looks like to a person: a colour, a glyph and a text in both languages; the palette they come from.

Colour is never the only signal: each state of one family has its own glyph and text. The colours keep a contrast of at
least 4.5:1 on the panel's dark ground (WCAG 2.1, 1.4.3) and differ in lightness, so that they survive a bad projector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple


class Words(NamedTuple):
    """A text in both languages of the county."""

    en: str
    zh: str

    def both(self) -> str:
        """Chinese first, as staff read it; one text where both are the same."""
        return self.zh if self.zh == self.en else f"{self.zh} · {self.en}"

    def say(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language == "zh" else self.en


Language = Literal["zh", "en"]
Level = Literal["good", "notice", "warning", "critical", "neutral", "absent"]

#: One colour a level. Grafana takes the same hexadecimal values.
PALETTE: Mapping[Level, str] = {
    "good": "#4cc38a",
    "notice": "#6cb6ff",
    "warning": "#f5c04a",
    "critical": "#ff6b6b",
    "neutral": "#c9d1d9",
    "absent": "#8b98a9",
}

#: Lines of a chart, in order: distinguishable with the common colour-vision deficiencies (after Okabe and Ito, 2008).
LINES: tuple[str, ...] = (
    "#56b4e9", "#e69f00", "#2fbf9b", "#f0e442", "#cc79a7", "#ff8552", "#8ea8ff", "#b6e388",
    "#d9a0ff", "#ffb3c7", "#7fdbda", "#c9b28b",
)  # fmt: skip


class State(NamedTuple):
    """One value of a state column, as people see it. `rank` orders rows: the lowest needs a person first."""

    level: Level
    glyph: str
    words: Words
    rank: int = 9


States = Mapping[str, State]

NO_DATA = Words("no data", "无数据")
NEVER = Words("never", "从未")
STALE = Words("stale since", "数据停更于")

DEVICE_STATES: States = {
    "trouble": State("critical", "▲", Words("Trouble", "故障"), 0),
    "offline": State("critical", "✕", Words("Offline", "离线"), 1),
    "silent": State("warning", "◌", Words("Silent", "失联"), 2),
    "never": State("absent", "○", Words("Never seen", "从未上线"), 3),
    "online": State("good", "●", Words("Online", "在线"), 4),
}

CAMERA_STATES: States = {
    "offline": State("critical", "✕", Words("Offline", "离线"), 0),
    "stalled": State("critical", "‖", Words("Stalled", "断流"), 1),
    "frozen": State("warning", "❄", Words("Frozen", "画面冻结"), 2),
    "dark": State("warning", "◐", Words("Dark", "画面过暗"), 3),
    "blurred": State("notice", "≈", Words("Blurred", "画面模糊"), 4),
    "online": State("good", "●", Words("Online", "正常"), 5),
}

SEVERITIES: States = {
    "critical": State("critical", "◆", Words("Critical", "紧急"), 0),
    "high": State("critical", "▲", Words("High", "重要"), 1),
    "warning": State("warning", "!", Words("Warning", "警告"), 2),
    "info": State("notice", "i", Words("Info", "提示"), 3),
}

ALERT_STATES: States = {
    "raised": State("critical", "▲", Words("Open", "未解除"), 0),
    "cleared": State("good", "✓", Words("Cleared", "已解除"), 1),
}

DEVICE_KINDS: States = {
    "truck": State("neutral", "▬", Words("Muck truck", "渣土车"), 0),
    "kiosk": State("neutral", "✚", Words("Health kiosk", "健康小屋"), 1),
    "camera": State("neutral", "◉", Words("Camera", "摄像机"), 2),
    "gateway": State("neutral", "■", Words("Gateway", "网关"), 3),
}

LOADS: States = {
    "full": State("warning", "▰", Words("Full", "满载"), 0),
    "half": State("notice", "◧", Words("Half", "半载"), 1),
    "empty": State("neutral", "▱", Words("Empty", "空载"), 2),
}

CLOCKS: States = {
    "unsynchronised": State("critical", "?", Words("Not synchronised", "未同步"), 0),
    "gateway": State("notice", "■", Words("Gateway", "网关"), 1),
    "device": State("neutral", "●", Words("Device", "设备"), 2),
    "gnss": State("good", "✦", Words("GNSS", "卫星"), 3),
}

#: Booleans by what they mean. Stores answer True and False; Grafana writes them in lower case.
CONNECTED: States = {
    "false": State("critical", "✕", Words("Lost", "断开"), 0),
    "true": State("good", "●", Words("Connected", "已连接"), 1),
}
REACHABLE: States = {
    "false": State("critical", "✕", Words("Not reachable", "不可用"), 0),
    "true": State("good", "●", Words("Reachable", "可用"), 1),
}
SYNCHRONISED: States = {
    "false": State("critical", "✕", Words("Not synced", "未同步"), 0),
    "true": State("good", "●", Words("Synced", "已同步"), 1),
}
YES_NO: States = {
    "true": State("notice", "✓", Words("Yes", "是"), 0),
    "false": State("neutral", "–", Words("No", "否"), 1),
}


def state_key(value: object) -> str:
    """The value as the families above are keyed: booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def state_of(states: States, value: object) -> State:
    """How to show a value; one that the family does not know is shown as it is, never hidden."""
    if value is None:
        return State("absent", "–", NO_DATA)
    key = state_key(value)
    return states.get(key) or State("absent", "?", Words(key, key))
