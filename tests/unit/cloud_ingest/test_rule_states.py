"""What the rules remember, across a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_ingest.rule_states import RuleStates, RuleStatesUnavailable
from cloud_ingest.rules.book import Saved


async def test_what_was_saved_is_there_after_a_restart_and_the_newest_counts(tmp_path: Path) -> None:
    states = RuleStates(tmp_path / "new" / "rules.db")
    await states.save([Saved("overspeed", "truck-1", b"old"), Saved("overspeed", "truck-2", b"two")])
    await states.save([Saved("overspeed", "truck-1", b"new")])
    await states.save([])
    states.close()
    again = RuleStates(tmp_path / "new" / "rules.db")
    assert sorted(again.load()) == [("overspeed", "truck-1", b"new"), ("overspeed", "truck-2", b"two")]
    again.close()


async def test_a_broken_or_full_file_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(RuleStatesUnavailable):
        RuleStates(tmp_path / "broken.db")
    states = RuleStates(tmp_path / "full.db")
    states._db.execute("pragma max_page_count = 1")
    with pytest.raises(RuleStatesUnavailable):
        await states.save([Saved("overspeed", f"truck-{n}", b"x" * 9000) for n in range(10)])
    assert states.load() == []
    states._db.execute("drop table state")
    with pytest.raises(RuleStatesUnavailable):
        states.load()
    states.close()
