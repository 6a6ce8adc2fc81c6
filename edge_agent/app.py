"""The agent put together: which parts there are, who knows whom, and in which order they end.

    devices ── conversations ── puts ── group commit ── spool ── uplink ── broker

Three task groups lie inside each other and end from the inside out: the devices' loops, then the puts that they began
(the intake), then the spool's side. A device that fails is started again; a spool or an uplink that fails ends the
agent, and systemd starts it anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic

from devices.contract.readings import Reading
from edge_agent.clock import GatewayClock
from edge_agent.config import Config, ConfigError
from edge_agent.damage import Damage
from edge_agent.device_loops import births, device_loops, listeners
from edge_agent.group_commit import GroupCommit
from edge_agent.health import gateway_health
from edge_agent.intake import Intake
from edge_agent.notify import Notifier
from edge_agent.spool import Spool, new_boot
from edge_agent.status import ListenerStatus, Status, write_status
from edge_agent.terminals import KeyUnusable, load_key
from edge_agent.transports.tcp_listener import TcpListener
from edge_agent.uplink import BrokerSettings, Uplink

log = logging.getLogger(__name__)

#: How often `systemctl status` gets a new line where systemd asks for no watchdog.
STATUS_EVERY_S = 10.0
#: What the farewell to the broker may take after everything is on disk.
FAREWELL_WITHIN_S = 3.0
#: How often the spool is looked at while it drains.
DRAIN_LOOK_S = 0.1


async def run(config: Config, stop: asyncio.Event, notifier: Notifier, *, abandon: Callable[[], None]) -> None:
    """Read the devices and hand the county what they say, until `stop` is set.

    `abandon` is called when everything is on disk but a broker that does not answer keeps us from leaving.
    Raises ConfigError for a key that cannot be used, and what the spool raises when it cannot be opened or written
    (SpoolBroken, SpoolInUse, SpoolTooNew): the latter in an exception group once the agent runs.
    """
    keys = _keys(config)
    clock = GatewayClock(config.clock.trust)
    spool = await asyncio.to_thread(_open_spool, config, clock)
    try:
        await _run(config, keys, clock, spool, stop, notifier, abandon)
    finally:
        await asyncio.to_thread(spool.close)


async def print_readings(config: Config, stop: asyncio.Event, show: Callable[[Reading], None]) -> None:
    """The dry form: show what would be sent; no spool, no broker. Devices get their answers as ever."""

    async def put(readings: Sequence[Reading], urgent: bool) -> None:  # noqa: ARG001 - the seam's shape
        for reading in readings:
            show(reading)

    intake = Intake(GatewayClock(config.clock.trust).now, put, Damage())
    async with intake:
        await _read_devices(config, listeners(config, _keys(config), intake), intake, stop)


async def _run(
    config: Config,
    keys: list[bytes],
    clock: GatewayClock,
    spool: Spool,
    stop: asyncio.Event,
    notifier: Notifier,
    abandon: Callable[[], None],
) -> None:
    uplink = Uplink(
        spool,
        gateway=config.gateway,
        broker=_broker(config),
        devices=births(config),
        now=clock.now,
        software=software(),
        receipt_timeout_s=config.broker.receipt_timeout_s,
    )
    commit = GroupCommit(
        spool,
        anchor=clock.anchor,
        after_s=config.spool.commit_after_s,
        readings=config.spool.commit_readings,
        on_commit=uplink.wake,
    )
    intake = Intake(clock.now, commit.put, Damage(Path(config.spool.path).parent / "damaged.log"))
    listening = listeners(config, keys, intake)
    async with asyncio.TaskGroup() as spooling:
        committing = spooling.create_task(commit.run(), name="group commit")
        sending = spooling.create_task(uplink.run(), name="uplink")
        feeding = spooling.create_task(_feed_watchdog(notifier, commit, spool, uplink), name="watchdog")
        async with intake:
            reporting = spooling.create_task(_report(config, spool, uplink, listening, intake), name="health")
            notifier.ready()
            log.info("gateway %s: boot %s", config.gateway, spool.boot)
            await _read_devices(config, listening, intake, stop)
            log.info("gateway %s: stopping", config.gateway)
            notifier.stopping()
            await asyncio.sleep(0)  # the last puts, begun as the loops ended, reach the commit
            reporting.cancel()
            committing.cancel()
            await asyncio.wait([committing])
        await _drain(spool, uplink, config.spool.drain_s)
        sending.cancel()
        feeding.cancel()
        leaving = asyncio.get_running_loop().call_later(FAREWELL_WITHIN_S, abandon)
    leaving.cancel()


async def _drain(spool: Spool, uplink: Uplink, patience_s: float) -> None:
    """Give the county a moment to receipt what it has been sent, so that a gateway that is moved leaves nothing behind.

    Not needed for safety: what stays in the spool is sent at the next start.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            uplink.wake()
            while uplink.stats.connected and await asyncio.to_thread(_unsent, spool):  # noqa: ASYNC110 - two files' end
                await asyncio.sleep(DRAIN_LOOK_S)


def _unsent(spool: Spool) -> bool:
    """Whether there are readings that the county has not receipted, those on hold for the clock not among them."""
    spool.settle()
    stats = spool.stats()
    return stats.spool_readings > stats.held


async def _read_devices(config: Config, listening: list[TcpListener], intake: Intake, stop: asyncio.Event) -> None:
    """Run every device's loop until `stop`; on return their wires are closed."""
    async with asyncio.TaskGroup() as devices:
        loops = [devices.create_task(loop, name=name) for name, loop in device_loops(config, listening, intake)]
        await stop.wait()
        for task in loops:
            task.cancel()


async def _report(config: Config, spool: Spool, uplink: Uplink, listening: list[TcpListener], intake: Intake) -> None:
    """Tell the county, and a technician at the gateway, how the gateway is: at once, then every `health.every_s`."""
    folder = Path(config.spool.path).parent
    started_s = monotonic()
    while True:
        moment = intake.now()
        health = gateway_health(
            config.gateway,
            moment,
            await asyncio.to_thread(spool.stats),
            resent=uplink.stats.resent,
            damaged=intake.damage.total,
            folder=folder,
            uptime_s=monotonic() - started_s,
        )
        status = Status(
            at=moment.at,
            pid=os.getpid(),
            gateway=config.gateway,
            boot=spool.boot,
            connected=uplink.stats.connected,
            unreceipted=uplink.stats.unreceipted,
            health=health,
            devices=intake.links,
            damaged=intake.damage.counts(),
            listeners=[ListenerStatus(name=listener.name, **listener.counts._asdict()) for listener in listening],
        )
        try:
            await asyncio.to_thread(write_status, folder, status)
        except OSError as error:
            log.warning("the status file is not written: %s", error.strerror)
        await intake.put_if_room(health, urgent=False)
        await asyncio.sleep(config.health.every_s)


async def _feed_watchdog(notifier: Notifier, commit: GroupCommit, spool: Spool, uplink: Uplink) -> None:
    """Say that the agent is alive only while the commits go on: a card that hangs must end in a restart."""
    every_s = notifier.watchdog_s / 3 if notifier.watchdog_s else STATUS_EVERY_S
    turns = -1
    while True:
        if commit.turns != turns:
            turns = commit.turns
            notifier.alive()
        stats = await asyncio.to_thread(spool.stats)
        way = "connected" if uplink.stats.connected else "not connected"
        notifier.status(f"{stats.spool_readings} readings spooled, {stats.receipted} receipted, broker {way}")
        await asyncio.sleep(every_s)


def _open_spool(config: Config, clock: GatewayClock) -> Spool:
    cap_bytes = config.spool.cap_mb * 1_000_000
    return Spool(Path(config.spool.path), boot=new_boot(), now=clock.now, cap_bytes=cap_bytes)


def _keys(config: Config) -> list[bytes]:
    """Each listener's key. Raises ConfigError."""
    keys = []
    for i, entry in enumerate(config.listener):
        try:
            keys.append(load_key(Path(entry.key_file or "jt808.key")))
        except KeyUnusable as error:
            raise ConfigError(f"{error} - at `$.listener[{i}].key_file`") from error
    return keys


def _broker(config: Config) -> BrokerSettings:
    broker = config.broker
    return BrokerSettings(
        host=broker.host,
        port=broker.port,
        username=broker.username,
        password_file=Path(broker.password_file) if broker.password_file else None,
        ca=Path(broker.tls.ca) if broker.tls else None,
        certificate=Path(broker.tls.certificate) if broker.tls and broker.tls.certificate else None,
        key=Path(broker.tls.key) if broker.tls and broker.tls.key else None,
    )


def software() -> str:
    """What the gateway's birth says it runs."""
    try:
        return f"edge-agent {version('county-monitor')}"
    except PackageNotFoundError:
        return "edge-agent"
