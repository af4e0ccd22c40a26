"""The Kotlin library answers as Python's dispatcher does, over another version of ONNX Runtime."""

import kotlin_runner
import pytest
from answers_of_language import AnswersOfLanguage

pytestmark = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)


class TestKotlin(AnswersOfLanguage):
    """What the Kotlin runner answers."""

    runner = kotlin_runner
    # Versions of ONNX Runtime add up in other orders: 3e-6 were measured.
    bound = 1e-5
