"""Super-classes: always a partition into exactly E groups, and the one the confusions suggest."""

import numpy as np
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training.routings.communities import (
    communities,
    confusion_weights,
    random_super_classes,
    super_classes,
)


@st.composite
def counts_and_experts(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """A confusion matrix, mostly empty as a good model's is, and a possible number of experts."""
    classes = draw(st.integers(1, 12))
    cell = st.integers(0, 3) if draw(st.booleans()) else st.sampled_from([0] * 9 + [1])
    counts = draw(hnp.arrays(np.int64, (classes, classes), elements=cell))
    return counts, draw(st.integers(1, classes))


@given(counts_and_experts())
def test_every_class_is_in_one_of_exactly_e_groups(case: tuple[np.ndarray, int]) -> None:
    counts, experts = case
    owner = communities(confusion_weights(counts), experts)
    assert owner.shape == (len(counts),)
    assert set(owner.tolist()) == set(range(experts))


@given(counts_and_experts())
def test_the_same_confusions_give_the_same_groups(case: tuple[np.ndarray, int]) -> None:
    counts, experts = case
    weights = confusion_weights(counts)
    assert communities(weights, experts).tolist() == communities(weights.copy(), experts).tolist()


@given(counts_and_experts())
def test_groups_are_numbered_by_their_first_class(case: tuple[np.ndarray, int]) -> None:
    counts, experts = case
    owner = super_classes(counts, np.ones_like(counts, dtype=float), experts)
    first = [int(np.flatnonzero(owner == group)[0]) for group in range(experts)]
    assert first == sorted(first)


def test_confused_classes_share_an_expert() -> None:
    counts = np.eye(6, dtype=np.int64) * 20
    for i, j in ((0, 3), (1, 4), (2, 5)):
        counts[i, j] = counts[j, i] = 5
    assert communities(confusion_weights(counts), 3).tolist() == [0, 1, 2, 0, 1, 2]


def test_without_a_mistake_the_soft_confusion_decides() -> None:
    soft = np.eye(4) * 20 + 0.01
    soft[0, 2] = soft[2, 0] = soft[1, 3] = soft[3, 1] = 1.0
    assert super_classes(np.eye(4, dtype=int) * 20, soft, 2).tolist() == [0, 1, 0, 1]


def test_a_mistake_outweighs_soft_confusion() -> None:
    mistakes = np.eye(4, dtype=int) * 20
    mistakes[0, 1] = mistakes[2, 3] = 1
    soft = np.eye(4) * 20
    soft[0, 2] = soft[1, 3] = 5.0
    assert super_classes(mistakes, soft, 2).tolist() == [0, 0, 1, 1]


def test_parts_without_edges_are_joined_smallest_first() -> None:
    counts = np.eye(7, dtype=np.int64)
    counts[0, 1] = counts[1, 2] = counts[2, 0] = 1  # one group of three, four single classes
    sizes = np.bincount(communities(confusion_weights(counts), 3))
    assert sorted(sizes.tolist()) == [2, 2, 3]


def test_weights_are_row_shares_made_symmetric() -> None:
    weights = confusion_weights(np.array([[6, 2, 0], [0, 3, 1], [0, 0, 0]]))
    assert weights == pytest.approx(np.array([[0, 0.125, 0], [0.125, 0, 0.125], [0, 0.125, 0]]))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 100))
def test_random_super_classes_are_balanced_and_seeded(classes: int, experts: int, seed: int):
    experts = min(experts, classes)
    owner = random_super_classes(classes, experts, seed)
    sizes = np.bincount(owner, minlength=experts)
    assert len(sizes) == experts
    assert sizes.max() - sizes.min() <= 1
    assert owner.tolist() == random_super_classes(classes, experts, seed).tolist()


def test_another_seed_draws_other_super_classes() -> None:
    assert random_super_classes(10, 4, 0).tolist() != random_super_classes(10, 4, 1).tolist()


@pytest.mark.parametrize("make", [lambda: communities(np.zeros((3, 3)), 4)])
def test_more_experts_than_classes_are_refused(make) -> None:
    with raises(InputError, "input.option", name="experts", given=4, expected=3):
        make()
    with raises(InputError, "input.option", name="experts", given=4, expected=3):
        random_super_classes(3, 4, 0)
