"""Blood pressure that cannot wait: systolic >= 180 or diastolic >= 110 mmHg in one measurement.

Source: National Basic Public Health Service Specification, 3rd edition (2017), management of hypertension: such a
pressure is an emergency, to be treated, referred now and followed up within 14 days. Decision support, no diagnosis:
the measurement is repeated after five minutes of rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from cloud_ingest.registry import Device
from cloud_ingest.rules.rule import NOTHING, alert_id, evidence
from devices.contract.readings import Alert, BloodPressure

SYSTOLIC_MMHG = 180
DIASTOLIC_MMHG = 110

SOURCE = "National Basic Public Health Service Specification, 3rd ed. (2017), hypertension: emergency referral"


class Nothing(Struct):
    """Each measurement is judged by itself."""

    news: int = 0


class BloodPressureUrgent:
    """The rule. An alert is never cleared by it: a person has to be seen."""

    name = "blood-pressure-urgent"
    reads = BloodPressure
    state = Nothing

    def step(
        self,
        state: Nothing,
        reading: BloodPressure,
        device: Device | None,  # noqa: ARG002 - the thresholds are the nation's, not the clinic's
    ) -> tuple[Nothing, Sequence[Alert]]:
        """Judge one measurement."""
        systolic, diastolic = reading.systolic_mmhg, reading.diastolic_mmhg
        if systolic < SYSTOLIC_MMHG and diastolic < DIASTOLIC_MMHG:
            return state, NOTHING
        by_systolic = systolic >= SYSTOLIC_MMHG
        alert = Alert(
            device=reading.device,
            at=reading.at,
            rule=self.name,
            alert=alert_id(self.name, reading.device, reading.at),
            severity="high",
            state="raised",
            value=float(systolic if by_systolic else diastolic),
            limit=float(SYSTOLIC_MMHG if by_systolic else DIASTOLIC_MMHG),
            message_en=f"Blood pressure {systolic}/{diastolic} mmHg: rest 5 minutes, repeat; if confirmed refer now",
            message_zh=f"血压{systolic}/{diastolic} mmHg：休息5分钟复测，确认后立即转诊",
            evidence=evidence(
                source=SOURCE,
                at=reading.at,
                systolic_mmhg=systolic,
                diastolic_mmhg=diastolic,
                moved=reading.moved,
                patient=reading.patient,
            ),
        )
        return state, (alert,)
