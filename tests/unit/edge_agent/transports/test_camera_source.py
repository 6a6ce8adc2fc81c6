import msgspec
import pytest

from edge_agent.transports.camera_source import CameraSource


def source(url, **settings):
    return CameraSource(device="cam-01", url=url, **settings)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rtsp://10.0.0.5/ch1", "network"),
        ("http://10.0.0.5:8080/video.mjpg", "network"),
        ("/dev/video0", "usb"),
        ("0", "usb"),
        ("/dev/video12", "usb"),
        ("clips/yard.mp4", "file"),
        ("/srv/clips/yard.mp4", "file"),
        ("2026.avi", "file"),
    ],
)
def test_a_url_says_what_has_to_be_opened(url, kind):
    assert source(url).kind == kind


@pytest.mark.parametrize(("url", "index"), [("/dev/video0", 0), ("/dev/video12", 12), ("3", 3)])
def test_a_usb_camera_is_opened_by_its_number(url, index):
    assert source(url).usb_index == index


def test_what_is_no_usb_camera_has_no_number():
    with pytest.raises(ValueError, match="no USB camera"):
        _ = source("rtsp://10.0.0.5/ch1").usb_index


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("rtsp://10.0.0.5/ch1", ("10.0.0.5", 554)),
        ("rtsps://cam.example/ch1", ("cam.example", 322)),
        ("http://10.0.0.5/v", ("10.0.0.5", 80)),
        ("https://u:p@10.0.0.5:8443/v", ("10.0.0.5", 8443)),
        ("rtsp://[fd00::5]:8554/ch1", ("fd00::5", 8554)),
        ("/dev/video0", None),
        ("clip.avi", None),
    ],
)
def test_a_network_camera_has_an_address(url, address):
    assert source(url).address == address


def test_user_password_and_query_are_never_shown():
    camera = source("rtsp://admin:s3cret@10.0.0.5:8554/ch1?token=t0ken")
    assert camera.wire == "rtsp://10.0.0.5:8554/ch1"
    assert "s3cret" not in f"{camera} {camera!r}"
    assert "t0ken" not in f"{camera} {camera!r}"


@pytest.mark.parametrize("url", ["ftp://10.0.0.5/a", "concat://a|b", "udp://239.0.0.1:5000", "rtsp:///ch1", "http://"])
def test_what_no_camera_speaks_is_refused_with_the_fields_name(url):
    with pytest.raises(msgspec.ValidationError, match="`url`"):
        msgspec.convert({"device": "cam-01", "url": url}, CameraSource)


@pytest.mark.parametrize("url", ["rtsp://10.0.0.5:port/ch1", "rtsp://10.0.0.5:70000/ch1"])
def test_a_port_that_is_none_is_refused_at_start(url):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"device": "cam-01", "url": url}, CameraSource)


@pytest.mark.parametrize("key", ["analyze_fps", "password", "fps"])
def test_a_setting_that_nobody_knows_is_refused(key):
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert({"device": "cam-01", "url": "0", key: 1}, CameraSource)


def test_thresholds_are_set_for_one_camera():
    entry = {"device": "cam-01", "url": "0", "thresholds": {"dark_luminance": 12, "stalled_after_s": 20}}
    camera = msgspec.convert(entry, CameraSource)
    assert (camera.thresholds.dark_luminance, camera.thresholds.stalled_after_s) == (12, 20)
    assert camera.thresholds.dark_contrast == source("0").thresholds.dark_contrast
