"""The decoder process: what it survives, what is survived of it, and that none is ever left behind."""

import asyncio
import os
import resource
import signal
import sys
from contextlib import aclosing
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.camera.health import Thresholds
from devices.camera.observation import Lost, Opened, Picture
from edge_agent.transports.camera import decoded, unreachable
from edge_agent.transports.camera_source import CameraSource
from simulators.camera import CameraServer, Scene
from tests.integration.camera_watch import alive, decoders, eventually, of_process, watching

QUICK = {"retry_first_s": 0.05, "retry_recent_s": 0.05, "thresholds": Thresholds(settle_s=0.2)}


def clip(file, frames=40, fps=20):
    """A small recording of noise and movement."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), fps, (160, 120))
    rng = np.random.default_rng(1)
    for number in range(frames):
        frame = rng.integers(0, 60, (120, 160, 3), dtype=np.uint8)
        cv2.circle(frame, (number * 4 % 160, 60), 20, (255, 255, 255), -1)
        writer.write(frame)
    writer.release()
    return file


@pytest.fixture
async def server():
    cameras = CameraServer()
    cameras.add("cam-01", Scene(1, 320, 240), fps=10)
    async with cameras:
        yield cameras


async def life(url, **settings):
    """Everything that one decoder says."""
    async with asyncio.timeout(60):
        return [seen async for seen in decoded(CameraSource(device="cam-01", url=str(url), **settings))]


async def test_a_recording_is_measured_at_its_own_speed_and_ends(tmp_path):
    opened, *pictures, lost = await life(clip(tmp_path / "clip.avi"), analyse_fps=5)
    assert isinstance(opened, Opened)
    assert all(isinstance(picture, Picture) for picture in pictures)
    assert 9 <= len(pictures) <= 11
    assert pictures[-1].frames in range(33, 41)
    assert lost == Lost(how="ended", reason="the recording has ended")


async def test_a_looped_recording_does_not_end(tmp_path):
    camera = CameraSource(device="cam-01", url=str(clip(tmp_path / "clip.avi", frames=10)), loop=True, analyse_fps=10)
    async with asyncio.timeout(20), aclosing(decoded(camera)) as observations:
        async for seen in observations:
            assert not isinstance(seen, Lost)
            if isinstance(seen, Picture) and seen.frames > 35:
                break


async def test_a_recording_played_once_ends_its_watching_after_the_last_reading(tmp_path):
    async with watching(clip(tmp_path / "clip.avi", frames=50)) as watched:
        await watched.until("offline", 20)
    assert watched.states == ["online", "offline"]
    assert watched.readings[-1].reason == "the recording has ended"


async def test_a_stream_that_aborts_its_decoder_is_offline_and_the_gateway_goes_on(samples):
    async with watching(samples / "camera" / "decoder_abort.avi", retry_first_s=0.2) as watched:
        await watched.until("offline", 10)
    assert "the decoder died: SIG" in watched.readings[-1].reason
    assert "online" not in watched.states


async def test_a_decoder_that_dies_is_replaced_before_anybody_misses_it(server):
    async with watching(server.url("cam-01"), **QUICK, report_every_s=1) as watched:
        await watched.until("online", 15)
        (decoder,) = decoders()
        os.kill(decoder, signal.SIGSEGV)
        await eventually(lambda: watched.readings[-1].decoder_restarts == 1, 10)
    assert watched.states == ["online"]


async def test_a_decoder_that_hangs_is_killed_and_replaced(server):
    async with watching(server.url("cam-01"), **QUICK, read_timeout_s=0.5, report_every_s=1) as watched:
        await watched.until("online", 15)
        (hanging,) = decoders()
        os.kill(hanging, signal.SIGSTOP)
        await eventually(lambda: not alive(hanging), 5)
        await eventually(lambda: watched.readings[-1].decoder_restarts == 1, 10)
        await watched.until("online", 10)


async def test_a_decoder_that_was_held_up_goes_on_with_the_newest_frame_and_counts_what_it_passed_over(server):
    async with watching(server.url("cam-01"), **QUICK, report_every_s=1) as watched:
        await watched.until("online", 15)
        (decoder,) = decoders()
        os.kill(decoder, signal.SIGSTOP)
        await asyncio.sleep(2)  # 20 frames wait in the connection
        os.kill(decoder, signal.SIGCONT)
        await eventually(lambda: (watched.readings[-1].frames_dropped or 0) >= 5, 5)
    assert watched.states == ["online"]


async def test_no_decoder_is_left_when_the_watching_is_cancelled(server):
    async with watching(server.url("cam-01"), **QUICK) as watched:
        await watched.until("online", 15)
        assert len(decoders()) == 1
    assert decoders() == []


@pytest.mark.parametrize("fault", [None, "stall"])
async def test_a_decoder_dies_with_its_gateway_even_when_that_is_killed(server, fault):
    url = server.url("cam-01", "mjpeg")
    program = (
        "import asyncio\n"
        "from tests.integration.camera_watch import watching\n"
        "async def main():\n"
        f"    async with watching({url!r}) as watched:\n"
        "        await watched.until('online', 30)\n"
        "        print('online', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    gateway = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert await gateway.stdout.readline() == b"online\n"
    (decoder,) = decoders(gateway.pid)
    server.feeds["cam-01"].fault = fault
    await asyncio.sleep(0.3)
    gateway.kill()
    await gateway.communicate()
    await eventually(lambda: not alive(decoder), 3)


async def test_a_password_is_neither_in_the_command_line_nor_in_the_log_form(server):
    url = server.url("cam-01").replace("rtsp://", "rtsp://admin:s3cret@")
    async with watching(url, **QUICK) as watched:
        await watched.until("online", 15)
        (decoder,) = decoders()
        assert b"camera_decoder" in of_process(decoder, "cmdline")
        assert b"s3cret" not in of_process(decoder, "cmdline") + of_process(decoder, "environ")
    assert "s3cret" not in repr(CameraSource(device="cam-01", url=url))


async def test_what_is_not_there_is_known_without_starting_a_decoder(tmp_path):
    reasons = {
        "rtsp://127.0.0.1:9/cam": "connection refused",
        "/dev/video99": "no such device or file",
        str(tmp_path / "none.avi"): "no such device or file",
        "http://camera..village/cam.mjpg": "the host's name is not known",
    }
    for url, reason in reasons.items():
        assert await unreachable(CameraSource(device="cam-01", url=url), 5) == reason
    assert decoders() == []


async def test_a_file_that_is_no_recording_is_a_loss_and_not_an_error(tmp_path):
    text = tmp_path / "clip.avi"
    text.write_text("not a film")
    assert [type(seen) for seen in await life(text)] == [Lost]


async def _reconnects(server, times):
    """Cut a camera's connection so often; the growth of this process in kB and in open files."""
    async with watching(server.url("cam-01", "mjpeg"), **QUICK, analyse_fps=10, report_every_s=1) as watched:
        await watched.until("online", 15)

        async def cut_once():
            (before,), asked = decoders(), server.asked
            server.cut()
            await eventually(lambda: not alive(before) and server.asked > asked, 10)

        for _ in range(3):
            await cut_once()
        files, memory = _open_files(), _resident_kb()
        for _ in range(times):
            await cut_once()
        await eventually(lambda: abs(_open_files() - files) <= 2, 5)
        return _resident_kb() - memory


def _open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def _resident_kb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


async def test_20_reconnects_leave_nothing_behind(server):
    assert await _reconnects(server, 20) < 3000
    assert decoders() == []


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_200_reconnects_leave_nothing_behind(server):
    assert await _reconnects(server, 200) < 3000
    assert decoders() == []
