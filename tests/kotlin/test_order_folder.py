"""An order in a folder, as an app follows it that nobody holds a pipe to."""

import kotlin_runner
import pytest
from orders_in_folder import OrdersInFolder

pytestmark = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)


class TestKotlin(OrdersInFolder):
    """The Kotlin runner in an app's place."""

    runner = kotlin_runner
