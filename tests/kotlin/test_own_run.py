"""A run that a device plans itself: `mvmoe report` reads it, and a wrong engine is refused."""

import kotlin_runner
import pytest
from own_run_of_language import OwnRunOfLanguage

pytestmark = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)


class TestKotlin(OwnRunOfLanguage):
    """A run that the Kotlin runner plans."""

    runner = kotlin_runner
