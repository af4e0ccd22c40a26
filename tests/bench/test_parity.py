"""A subject that answers wrongly fails the benchmark."""

import numpy as np
import pytest

from mvmoe_bench.parity import check_answers
from mvmoe_deploy.errors import CheckFailedError

WANTED = np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)


def test_errors_are_reported_when_all_is_well():
    subjects = {"same": lambda i: WANTED[i : i + 1], "near": lambda i: WANTED[i : i + 1] + 1e-5}

    errors = check_answers(subjects, WANTED, "the reference")

    assert errors["same"] == 0
    assert errors["near"] == pytest.approx(1e-5, rel=0.1)


@pytest.mark.parametrize("wrong", [0.01, np.nan, np.inf])
def test_a_wrong_answer_fails_with_exit_1(wrong):
    def answer(image):
        return WANTED[image : image + 1] + np.float32(wrong if image == 1 else 0)

    with pytest.raises(CheckFailedError, match="liar answers otherwise than the ref") as caught:
        check_answers({"liar": answer}, WANTED, "the reference")
    assert caught.value.exit_code == 1
