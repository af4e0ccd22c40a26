"""A few cases of every kind of fuzzing, always the same; `make fuzz` runs as many as asked.

Interrupts at every line of a call are in tests/runtime/test_interrupts.py.
"""

from collections import Counter

import kinds
import pytest
from run import rng_of

CASES = {
    "manifest": 300,
    "image": 200,
    "idx": 150,
    "golden": 60,
    "checkpoint-safetensors": 100,
    "checkpoint-pt": 60,
    "ml-program": 12,
    "onnx": 40,
    "executorch": 20,
}
"""Cases of each kind: about a second of processor time, and a few for what imports an engine."""


def test_every_kind_has_a_small_form():
    assert CASES.keys() == kinds.KINDS.keys()


@pytest.mark.parametrize("name", CASES)
def test_damage_is_read_or_refused_in_one_plain_line(name, everything_made, tmp_path):
    kind = kinds.KINDS[name](everything_made, tmp_path)
    ended = Counter()
    try:
        for number in range(CASES[name]):
            files = kind.case(rng_of(name, 1, number))
            try:
                ended[kind.attempt(files)] += 1
            except kinds.FindingError as finding:
                pytest.fail(f"case {number} of {name}, seed 1: {finding}")
    finally:
        kind.close()
    # Damage that is always refused, or never, would test one half only.
    assert len(ended) > 1 and set(ended) & {"read", "run"}, ended
