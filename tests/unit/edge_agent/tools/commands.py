"""The tools as a person runs them: options parsed as the command would, in this process or in one of their own."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import IO, NamedTuple


class Running(NamedTuple):
    """A tool as a process, and its pipes."""

    process: subprocess.Popen[bytes]
    given: IO[bytes]
    printed: IO[bytes]

    def interrupted(self) -> int:
        """The exit code after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)


def run(tool: ModuleType, *arguments: object) -> int:
    """The exit code of the tool in this process."""
    parser = argparse.ArgumentParser()
    tool.configure(parser)
    return int(tool.run(parser.parse_args([str(argument) for argument in arguments])))


@contextmanager
def started(tool: str, *arguments: object) -> Iterator[Running]:
    """The tool as a process that does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"edge_agent.tools.{tool}", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield Running(process, process.stdin, process.stdout)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe and not pipe.closed:
                pipe.close()


def ran(tool: str, *arguments: object, given: bytes = b"") -> tuple[int, bytes, str]:
    """Exit code, standard output and standard error of the tool as a process."""
    with started(tool, *arguments) as running:
        out, err = running.process.communicate(given, timeout=30)
        return running.process.returncode, out, err.decode()
