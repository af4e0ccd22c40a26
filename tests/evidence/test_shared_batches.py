"""Batches that runs share are those that each of them would have made."""

import dataclasses

import msgspec
import pytest
import torch

from evidence import shared_batches
from evidence.plan_data import SHORT
from evidence.shared_batches import SharedBatches
from mvmoe_deploy.training import load_data
from mvmoe_deploy.training.batches import Batches


@pytest.fixture
def data(monkeypatch):
    monkeypatch.setattr(shared_batches, "_known", type(shared_batches._known)())
    return load_data("digits", SHORT[0].sizes[0].dense)


def test_they_are_the_same_batches_and_made_once(data, monkeypatch):
    for seed in (0, 1):
        for epoch in (0, 1, 0):
            found = list(SharedBatches(data, 256, seed).training(epoch))
            wanted = list(Batches(data, 256, seed).training(epoch))
            assert len(found) == len(wanted) > 1
            for pair, other in zip(found, wanted, strict=True):
                assert all(map(torch.equal, pair, other))
    monkeypatch.setattr(Batches, "training", None)  # Nothing is made again.
    list(SharedBatches(data, 256, 1).training(0))


def test_other_data_or_input_have_their_own(data):
    first = next(SharedBatches(data, 256, 0).training(0))
    list(SharedBatches(data, 256, 0).training(0))
    darker = msgspec.structs.replace(data.preprocessing, mean=(0.5,))
    other = dataclasses.replace(data, preprocessing=darker)
    assert not torch.equal(next(SharedBatches(other, 256, 0).training(0))[0], first[0])


def test_an_epoch_that_was_left_is_not_remembered_and_old_ones_are_forgotten(data, monkeypatch):
    monkeypatch.setattr(shared_batches, "_EPOCHS", 2)
    next(SharedBatches(data, 256, 0).training(0))
    assert not shared_batches._known
    for epoch in (0, 1, 0, 2):
        list(SharedBatches(data, 256, 0).training(epoch))
    assert [key[0] for key in shared_batches._known] == [0, 2]
