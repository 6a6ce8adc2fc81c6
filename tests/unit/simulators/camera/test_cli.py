import argparse
import json
import socket

import pytest

from simulators.camera.cli import configure, run


def parsed(*words):
    parser = argparse.ArgumentParser()
    configure(parser)
    return parser.parse_args(words)


def test_it_serves_as_many_cameras_as_asked_and_says_where(capsys):
    assert run(parsed("--port", "0", "--cameras", "3", "--seconds", "0.05", "--size", "320x240")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    rtsp, mjpeg = lines[2].split()
    assert rtsp.startswith("rtsp://127.0.0.1:")
    assert rtsp.endswith("/cam-03")
    assert mjpeg.endswith("/cam-03.mjpg")


def test_the_truth_file_holds_the_schedule(tmp_path):
    truth = tmp_path / "truth.jsonl"
    words = ("--port", "0", "--seconds", "0.05", "--fault", "cam-02:freeze:30:60", "--truth", str(truth))
    assert run(parsed(*words)) == 0
    assert [json.loads(line) for line in truth.read_text().splitlines()] == [
        {"camera": "cam-02", "fault": "freeze", "start_s": 30, "end_s": 60}
    ]


def test_a_fault_of_a_camera_that_is_not_served_is_refused(capsys):
    assert run(parsed("--port", "0", "--cameras", "1", "--fault", "cam-09:cut:1:2")) == 2
    assert "cam-09" in capsys.readouterr().out


def test_a_port_that_is_taken_is_said_and_stops_it(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(parsed("--port", str(taken.getsockname()[1]), "--seconds", "0.05")) == 2
    assert "in use" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [("--fault", "cam-01:melt:1:2"), ("--size", "wide"), ("--size", "639x360"), ("--size", "0x0")]
)
def test_words_that_make_no_sense_stop_it_with_code_2(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(parsed("--port", "0", "--seconds", "0.05", *words))
    assert stopped.value.code == 2
