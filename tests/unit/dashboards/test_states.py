"""Colour is never the only signal, and every colour can be read."""

from __future__ import annotations

import pytest

from dashboards import states
from dashboards.states import PALETTE, Words, state_of

FAMILIES = {name: value for name, value in vars(states).items() if name.isupper() and isinstance(value, dict)}
FAMILIES = {name: family for name, family in FAMILIES.items() if name != "PALETTE"}
PANEL_GROUND = "#131a24"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_states_of_one_family_differ_without_their_colour(family):
    glyphs = [state.glyph for state in family.values()]
    texts = [state.words for state in family.values()]
    assert len(set(glyphs)) == len(glyphs)
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_states_of_one_family_have_ranks_of_their_own(family):
    ranks = [state.rank for state in family.values()]
    assert sorted(ranks) == list(range(len(ranks)))


@pytest.mark.parametrize("colour", [*PALETTE.values(), *states.LINES])
def test_every_colour_can_be_read_on_a_panel(colour):
    ground, ink = sorted((luminance(PANEL_GROUND), luminance(colour)))
    assert (ink + 0.05) / (ground + 0.05) >= 4.5


def test_a_value_that_nobody_foresaw_is_shown_as_it_is():
    assert state_of(states.DEVICE_STATES, "melted").words == Words("melted", "melted")


def test_an_absent_value_says_no_data():
    assert state_of(states.DEVICE_STATES, None).words == states.NO_DATA


def test_a_boolean_is_keyed_in_lower_case():
    assert state_of(states.CONNECTED, False).words.en == "Lost"


def test_words_that_are_alike_in_both_languages_are_said_once():
    assert Words("p50", "p50").both() == "p50"
    assert Words("Online", "在线").both() == "在线 · Online"
