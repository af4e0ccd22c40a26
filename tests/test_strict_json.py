"""JSON that others wrote: what is refused, and that nothing of it takes long or much."""

import contextlib
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy.strict_json import MOST_DEPTH, loads, object_of, require_shallow

TEXTS = st.text(st.sampled_from('[]{}"\\\\ab,:\n\t'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=20,
)


@given(VALUES)
def test_valid_json_is_read_as_python_reads_it(value):
    assert loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("text", "reason", "kind"),
    [
        (b'{"a": 1, "a": 2}', "the key 'a' is there twice", "duplicate-key"),
        (b"[NaN]", "NaN is not", None),
        (b"[-Infinity]", "-Infinity is not", None),
        (b"\xff", "utf-8", None),
        (b"[1", "Expecting", None),
        (b"[" + b"1" * 5000 + b"]", "5000 digits", "number"),
        (b"[" * 100, "nested too deeply", "too-deep"),
        (b"\xef\xbb\xbf[]", "byte order mark", "byte-order-mark"),
        ("[]".encode("utf-16"), "byte order mark", "byte-order-mark"),
    ],
)
def test_what_is_refused(text, reason, kind):
    with pytest.raises(ValueError, match=reason) as caught:
        loads(text)
    assert getattr(caught.value, "kind", None) == kind


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"[":'])
def test_depth_is_counted_outside_of_texts(opening):
    with pytest.raises(ValueError, match="nested too deeply"):
        require_shallow(opening * (MOST_DEPTH + 1))
    require_shallow(b'"' + b"[" * 1000 + b'"')
    require_shallow(b'["\\\\\\"[[[",' * 2 + b"[]," * 1000)


@pytest.mark.parametrize("text", [b'"\\' * 10**6, b'\\"' * 10**6, b'"[' * 10**6])
def test_texts_without_an_end_take_one_pass(text):
    # Work in proportion to the square of the length would not end today.
    with contextlib.suppress(ValueError):
        require_shallow(b"[]" * 100 + text)


def test_limits_hold_however_python_is_set():
    digits, depth = sys.get_int_max_str_digits(), sys.getrecursionlimit()
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(10**7)
    try:
        for text in (b"[" * 10**6, b"9" * 100_000):
            with pytest.raises(ValueError, match=r"nested too deeply|digits"):
                loads(text)
    finally:
        sys.set_int_max_str_digits(digits)
        sys.setrecursionlimit(depth)


def test_an_object_is_given_and_nothing_else_is_one():
    assert object_of(b'{"format": "f", "more": [1]}') == {"format": "f", "more": [1]}
    deep = b'{"format":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for text in (None, b"", b"[1]", b'"text"', b'{"format": 1', b"\xff{}", b'{"a": NaN}', deep):
        assert object_of(text) == {}
