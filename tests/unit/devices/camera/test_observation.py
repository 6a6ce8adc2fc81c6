import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.camera.observation import Lost, Observation, Opened, Picture, decode, encode

_levels = st.floats(0, 255)
_pictures = st.builds(
    Picture,
    luminance=_levels,
    contrast=_levels,
    sharpness=st.floats(0, 1e6),
    saturation=_levels,
    noise=st.none() | st.floats(0, 255),
    changed=st.none() | st.integers(0, (1 << 144) - 1).map(lambda cells: f"{cells:036x}"),
    frames=st.integers(0, 2**53),
    dropped=st.integers(0, 2**53),
)
_losses = st.builds(Lost, how=st.sampled_from(["gone", "silent", "ended"]), reason=st.text(max_size=200))


@given(st.just(Opened()) | _pictures | _losses)
def test_what_was_said_is_what_is_heard(observation: Observation):
    line = encode(observation)
    assert line.count(b"\n") == 1
    assert decode(line) == observation


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{}", b'{"seen":"elephant"}', b'{"seen":"lost","how":"gone"}', b"[mjpeg @ 0x1] overread"]
)
def test_a_line_that_is_no_observation_is_a_value_error(line: bytes):
    with pytest.raises(ValueError, match=r".+"):
        decode(line)


def test_measures_outside_their_range_are_refused():
    line = encode(Picture(luminance=1.5, contrast=1, sharpness=1, saturation=1)).replace(b"1.5", b"-1.5")
    with pytest.raises(msgspec.ValidationError):
        decode(line)
