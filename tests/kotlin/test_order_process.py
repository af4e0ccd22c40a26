"""An order in a process of its own, and what ends it."""

import kotlin_runner
import pytest
from order_process import OrderProcess

pytestmark = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)


class TestKotlin(OrderProcess):
    """The Kotlin runner follows an order of ten minutes."""

    runner = kotlin_runner
