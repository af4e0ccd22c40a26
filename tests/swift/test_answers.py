"""The Swift library answers as Python's dispatcher does, over the same library of ONNX Runtime."""

import pytest
import swift_runner
from answers_of_language import AnswersOfLanguage

pytestmark = pytest.mark.skipif(
    bool(swift_runner.LACKS), reason=f"this machine lacks {swift_runner.LACKS}"
)


class TestSwift(AnswersOfLanguage):
    """What the Swift runner answers."""

    runner = swift_runner
    bound = 1e-6
