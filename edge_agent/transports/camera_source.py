"""One camera in the gateway's configuration: where its stream is and how it is to be watched."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from devices.camera.health import Thresholds
from devices.contract.quantity import Id

_USB = re.compile(r"^(?:/dev/video)?(\d{1,2})$")

#: Where a stream without a port in its URL is served.
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


class CameraSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera to watch.

    `url` is rtsp://, rtsps://, http:// or https:// (MJPEG), a USB camera as /dev/video0 or 0, or a file's path, played
    at its own speed, once or (`loop`) for ever. `analyse_fps` pictures a second are measured; the rest is counted.
    `retry_first_s` doubles to `retry_most_s` between attempts, but the pause stays at most `retry_recent_s` while the
    camera was seen within `recent_s`.
    """

    device: Id
    url: Annotated[str, Meta(min_length=1, max_length=500)]
    analyse_fps: Annotated[float, Meta(ge=0.5, le=10)] = 2.0
    open_timeout_s: Annotated[float, Meta(ge=0.5, le=60)] = 6.0
    read_timeout_s: Annotated[float, Meta(ge=0.5, le=60)] = 6.0
    report_every_s: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    loop: bool = False
    retry_first_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    retry_recent_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    retry_most_s: Annotated[float, Meta(gt=0, le=600)] = 60.0
    recent_s: Annotated[float, Meta(ge=0, le=86_400)] = 600.0
    thresholds: Thresholds = Thresholds()

    def __post_init__(self) -> None:
        """Refuse a URL that no decoder would open, so that it is said at start and with the field's name."""
        scheme = urlsplit(self.url).scheme if "://" in self.url else ""
        if scheme and scheme not in _PORTS:
            raise ValueError(f"`url` begins with {scheme!r}: rtsp, rtsps, http, https, /dev/videoN or a file's path")
        if scheme and not self.address:
            raise ValueError("`url` names no host")

    def __repr__(self) -> str:
        """Without the URL's password: this ends in logs."""
        return f"CameraSource({self.device}, {self.wire})"

    @property
    def kind(self) -> Literal["network", "usb", "file"]:
        """What has to be opened."""
        if "://" in self.url:
            return "network"
        return "usb" if _USB.match(self.url) else "file"

    @property
    def usb_index(self) -> int:
        """The N of /dev/videoN. Raises ValueError for a source that is no USB camera."""
        match = _USB.match(self.url)
        if match is None:
            raise ValueError(f"{self.wire} is no USB camera")
        return int(match[1])

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of a network camera, else None. Raises ValueError for a port that is no number."""
        if "://" not in self.url:
            return None
        parts = urlsplit(self.url)
        return (parts.hostname, parts.port or _PORTS[parts.scheme]) if parts.hostname else None

    @property
    def wire(self) -> str:
        """The URL as it may be shown: without user, password and query."""
        if "://" not in self.url:
            return self.url
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
