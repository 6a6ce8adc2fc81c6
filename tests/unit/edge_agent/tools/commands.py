"""The tools as a person runs them: options parsed as the command would, in this process or in one of their own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from types import ModuleType


def run(tool: ModuleType, *arguments: object) -> int:
    """The exit code of the tool in this process."""
    parser = argparse.ArgumentParser()
    tool.configure(parser)
    return int(tool.run(parser.parse_args([str(argument) for argument in arguments])))


def started(tool: str, *arguments: object) -> subprocess.Popen[bytes]:
    """The tool as a process, with pipes for all three streams."""
    return subprocess.Popen(
        [sys.executable, "-m", f"edge_agent.tools.{tool}", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ran(tool: str, *arguments: object, given: bytes = b"") -> tuple[int, bytes, str]:
    """Exit code, standard output and standard error of the tool as a process."""
    process = started(tool, *arguments)
    out, err = process.communicate(given, timeout=30)
    return process.returncode, out, err.decode()
