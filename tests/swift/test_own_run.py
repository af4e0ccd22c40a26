"""A run that a device plans itself: `mvmoe report` reads it, and a wrong engine is refused."""

import pytest
import swift_runner
from own_run_of_language import OwnRunOfLanguage

pytestmark = pytest.mark.skipif(
    bool(swift_runner.LACKS), reason=f"this machine lacks {swift_runner.LACKS}"
)


class TestSwift(OwnRunOfLanguage):
    """A run that the Swift runner plans."""

    runner = swift_runner
