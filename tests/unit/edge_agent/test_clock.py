from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from edge_agent.clock import KERNEL_ANSWER_S, RELEASED, GatewayClock, kernel_disciplined

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_disciplined_clock_is_the_gateways() -> None:
    clock = GatewayClock(wall=lambda: NOON, disciplined=lambda: True)

    assert clock.now() == (NOON, "gateway")


def test_a_clock_that_nobody_disciplines_is_unsynchronised() -> None:
    clock = GatewayClock(wall=lambda: NOON, disciplined=lambda: False)

    assert clock.now() == (NOON, "unsynchronised")


@pytest.mark.parametrize("trust", ["system", "always"])
def test_no_setting_believes_a_time_before_the_agents_release(trust: str) -> None:
    clock = GatewayClock(trust, wall=lambda: RELEASED - timedelta(seconds=1))  # type: ignore[arg-type]

    assert clock.now().clock == "unsynchronised"


def test_a_clock_trusted_always_is_believed_without_asking_the_kernel() -> None:
    assert GatewayClock("always", wall=lambda: NOON).now().clock == "gateway"


def test_the_kernel_is_asked_again_only_after_its_answer_has_aged() -> None:
    now_s = [0.0]
    asked = []
    clock = GatewayClock(wall=lambda: NOON, monotonic_s=lambda: now_s[0], disciplined=lambda: bool(asked.append(1)))

    for now_s[0] in (0.0, 0.1, KERNEL_ANSWER_S - 0.1, KERNEL_ANSWER_S, KERNEL_ANSWER_S + 1):
        clock.now()

    assert len(asked) == 2


def test_a_clock_that_becomes_synchronised_is_believed_from_then_on() -> None:
    now_s = [0.0]
    disciplined = [False]
    clock = GatewayClock(wall=lambda: NOON, monotonic_s=lambda: now_s[0], disciplined=lambda: disciplined[0])
    before = clock.now().clock

    disciplined[0] = True
    now_s[0] = KERNEL_ANSWER_S

    assert (before, clock.now().clock) == ("unsynchronised", "gateway")


def test_a_kernel_that_will_not_say_is_not_believed_and_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    now_s = [0.0]
    clock = GatewayClock(wall=lambda: NOON, monotonic_s=lambda: now_s[0], disciplined=lambda: None)

    heard = []
    for now_s[0] in (0.0, 10.0, 20.0):
        heard.append(clock.now().clock)

    assert heard == ["unsynchronised"] * 3
    assert len(caplog.records) == 1


def test_an_anchor_holds_both_clocks_and_the_kernels_boot() -> None:
    clock = GatewayClock("always", wall=lambda: NOON, monotonic_s=lambda: 60.0)

    anchor = clock.anchor()

    assert (anchor.wall, anchor.monotonic_s, anchor.synchronised) == (NOON, 60.0, True)
    assert anchor.kernel_boot == GatewayClock().anchor().kernel_boot != ""


def test_the_kernels_answer_is_read_as_adjtimex_of_the_system_reads_it() -> None:
    """Python's ctypes layout against a second reader of the same structure: a C program where there is a compiler."""
    program = "#include <stdio.h>\n#include <sys/timex.h>\nint main(){struct timex t={0};int r=adjtimex(&t);" \
              'printf("%d %d", r, t.status);}'  # fmt: skip
    try:
        built = subprocess.run(
            ["cc", "-x", "c", "-", "-o", "/tmp/county-adjtimex"],
            input=program.encode(),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no C compiler")
    if built.returncode:
        pytest.skip("no C headers")
    state, status = (int(n) for n in subprocess.check_output(["/tmp/county-adjtimex"]).split())

    assert kernel_disciplined() is (state not in (-1, 5) and not status & 0x40)
