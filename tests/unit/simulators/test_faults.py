import random

from hypothesis import given
from hypothesis import strategies as st

from simulators.faults import chain, drop, duplicate, flip, noise, split

messages = st.binary(min_size=2, max_size=60)
seeds = st.integers(0, 10_000)


@given(messages, seeds)
def test_a_wire_without_faults_carries_what_it_is_given(data, seed):
    rng = random.Random(seed)
    nothing = chain((drop(rng, 0), flip(rng, 0), noise(rng, 0), split(rng, 0), duplicate(rng, 0)))
    assert nothing(data) == [data]


@given(messages, seeds)
def test_a_split_message_is_whole_when_put_together(data, seed):
    pieces = split(random.Random(seed), 1)(data)
    assert len(pieces) == 2
    assert b"".join(pieces) == data


@given(messages, seeds)
def test_a_flip_turns_exactly_one_bit(data, seed):
    (hurt,) = flip(random.Random(seed), 1)(data)
    assert sum((a ^ b).bit_count() for a, b in zip(data, hurt, strict=True)) == 1


@given(messages, seeds)
def test_noise_comes_before_the_message_and_a_dropped_message_does_not_come(data, seed):
    *before, last = noise(random.Random(seed), 1)(data)
    assert before
    assert last == data
    assert drop(random.Random(seed), 1)(data) == []
    assert duplicate(random.Random(seed), 1)(data) == [data, data]
