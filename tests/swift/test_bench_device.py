"""`mvmoe bench --device swift` with the real program."""

import pytest
import swift_runner
from bench_of_language import BenchOfLanguage

pytestmark = pytest.mark.skipif(
    bool(swift_runner.LACKS), reason=f"this machine lacks {swift_runner.LACKS}"
)


class TestSwift(BenchOfLanguage):
    """The Swift library beside Python."""

    runner, device, language, version, engine = swift_runner, "swift", "Swift", "swift", "Swift"
