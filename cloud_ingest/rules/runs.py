"""Runs: stretches of event time in which a value stayed above a threshold, whatever order it arrived in.

Values are retained in order of event time, and every change is worked out from all of them, so a late or repeated
value ends in the same findings as the same values in order. What is retained is bounded: the newest `RETAINED` of a
device, and, apart from them, the last `RETAINED` of a backlog that arrives behind (a tracker's blind zone, a spool
after an outage), oldest first. The promise therefore holds as long as two values that are neighbours in event time
arrive with fewer than `RETAINED` others of the same device between them.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta

from msgspec import Struct, field

#: Values of one device that are looked at together; at a fix every ten seconds, twenty minutes.
RETAINED = 120
#: Forgetting is done for so many at once, because it moves the rest.
_SLACK = 40


class Run(Struct, frozen=True):
    """Neighbouring values above the threshold. `closed`: when a value (or a gap) ended it; None while it may go on."""

    begin: datetime
    last: datetime
    peak: float
    peak_at: datetime
    closed: datetime | None = None


class Finding(Struct, frozen=True):
    """A run as it is to be told. `withdrawn`: it was told before, and late values show that it never was."""

    run: Run
    withdrawn: bool = False


class Window(Struct):
    """The retained values, the run that forgetting cut, and what has been told of the runs in it."""

    times: list[datetime] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    told: dict[datetime, Finding] = field(default_factory=dict)
    cut: Run | None = None
    forgot: bool = False

    def covers(self, at: datetime) -> bool:
        """Whether a value of that time belongs here: not older than what has been forgotten."""
        return not self.forgot or at >= self.times[0]


class Track(Struct):
    """What is remembered of one device: its present, and the backlog that may be arriving behind it.

    `news` counts the values that were not quiet. Quiet ones may be lost in a kill: in order, nothing follows from them.
    """

    present: Window = field(default_factory=Window)
    backlog: Window = field(default_factory=Window)
    news: int = 0


class Criterion(Struct, frozen=True):
    """Above what, for how long at least, and how far apart two values may be and still be neighbours."""

    threshold: float
    at_least: timedelta
    at_most_apart: timedelta


def observe(track: Track, at: datetime, value: float, criterion: Criterion) -> list[Finding]:
    """Add a value to the track; what has changed in its findings. A value that came before tells them again."""
    window = track.present
    if not window.covers(at):
        if not track.backlog.covers(at):
            track.backlog = Window()
        window = track.backlog
    if quiet(window, at, value, criterion.threshold):
        append(window, at, value, criterion)
        return []
    track.news += 1
    again, calm = _insert(window, at, value, criterion.threshold)
    if calm and not (again and window.told):
        return []
    ahead = track.present.times[0] if window is track.backlog else None
    findings = _findings(window, criterion, ahead, again=again)
    _forget(window, criterion)
    return findings


def quiet(window: Window, at: datetime, value: float, threshold: float) -> bool:
    """Whether a value can change nothing: the newest, below the threshold, after another below."""
    return value <= threshold and (not window.times or (at > window.times[-1] and window.values[-1] <= threshold))


def append(window: Window, at: datetime, value: float, criterion: Criterion) -> None:
    """Add the newest value."""
    window.times.append(at)
    window.values.append(value)
    if len(window.times) > RETAINED + _SLACK:
        _forget(window, criterion)


def _insert(window: Window, at: datetime, value: float, threshold: float) -> tuple[bool, bool]:
    """Put a value in its place: whether one of that time was there (then the greater stays), and whether all is calm.

    Calm: it and its neighbours are below the threshold, so no run can have changed.
    """
    times, values = window.times, window.values
    position = bisect_left(times, at)
    again = position < len(times) and times[position] == at
    if again:
        values[position] = max(value, values[position])
    else:
        times.insert(position, at)
        values.insert(position, value)
    around = values[max(position - 1, 0) : position + 2]
    calm = max(around) <= threshold and not (window.cut is not None and position == 0)
    return again, calm


def _findings(window: Window, criterion: Criterion, ahead: datetime | None, *, again: bool) -> list[Finding]:
    """Compare the runs with what was told of them. `again` tells everything: what was told may not have been stored."""
    runs = {run.begin: Finding(run) for run in _runs(window, criterion, ahead)}
    findings = [finding for begin, finding in runs.items() if again or window.told.get(begin) != finding]
    for begin, told in window.told.items():
        if begin not in runs:
            runs[begin] = Finding(told.run, withdrawn=True)
            if again or not told.withdrawn:
                findings.append(runs[begin])
    window.told = runs
    return findings


def _runs(window: Window, criterion: Criterion, ahead: datetime | None) -> list[Run]:
    """All runs of the window that last long enough. `ahead` is when the next window begins: a gap up to there ends."""
    found: list[Run] = []
    run = window.cut
    for at, value in zip(window.times, window.values, strict=True):
        if run is not None and at - run.last > criterion.at_most_apart:
            found.append(_close(run, run.last))
            run = None
        if value > criterion.threshold:
            run = _extend(run, at, value)
        elif run is not None:
            found.append(_close(run, at))
            run = None
    if run is not None:
        over = ahead is not None and ahead - run.last > criterion.at_most_apart
        found.append(_close(run, run.last) if over else run)
    return [_as_told(run) for run in found if run.last - run.begin >= criterion.at_least]


def _extend(run: Run | None, at: datetime, value: float) -> Run:
    if run is None:
        return Run(at, at, value, at)
    if value > run.peak:
        return Run(run.begin, at, value, at)
    return Run(run.begin, at, run.peak, run.peak_at)


def _close(run: Run, at: datetime) -> Run:
    return Run(run.begin, run.last, run.peak, run.peak_at, at)


def _as_told(run: Run) -> Run:
    """While a run goes on, each new value moves its last: that alone is no news."""
    return run if run.closed else Run(run.begin, run.begin, run.peak, run.peak_at)


def _forget(window: Window, criterion: Criterion) -> None:
    """Drop the oldest values beyond `RETAINED`, keeping hold of a run that reaches over the edge."""
    excess = len(window.times) - RETAINED
    if excess <= _SLACK:
        return
    run = window.cut
    for at, value in zip(window.times[:excess], window.values[:excess], strict=True):
        if run is not None and at - run.last > criterion.at_most_apart:
            run = None
        run = _extend(run, at, value) if value > criterion.threshold else None
    window.cut = run
    window.forgot = True
    del window.times[:excess]
    del window.values[:excess]
    edge = run.begin if run is not None else window.times[0]
    window.told = {begin: finding for begin, finding in window.told.items() if begin >= edge}
