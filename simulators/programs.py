"""The county's programs as processes: started as an operator would, awaited until they serve, ended by their pid."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path


class ProgramEnded(Exception):
    """A program stopped that should be running; the text names it and holds the end of its log."""


class Program:
    """One console script of this installation, with its output in a log file."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The running process's id, None before the start."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it; in a process group of its own, so that a Ctrl-C at the terminal reaches only the demo."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )

    def check(self) -> None:
        """Raise ProgramEnded where it has stopped by itself."""
        if self._process is not None and self._process.returncode is not None:
            raise ProgramEnded(f"{self.name} ended with code {self._process.returncode}:\n{self.tail()}")

    def tail(self, lines: int = 12) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await self._process.wait() if self._process else 0

    async def stop(self, patience_s: float = 20) -> int:
        """SIGTERM, and its exit code; SIGKILL where it does not obey in time."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(patience_s):
                    await self._process.wait()
            except TimeoutError:
                self.kill()
        return await self._process.wait()
