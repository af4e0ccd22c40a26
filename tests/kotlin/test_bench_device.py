"""`mvmoe bench --device jvm` with the real program."""

import kotlin_runner
import pytest
from bench_of_language import BenchOfLanguage

pytestmark = pytest.mark.skipif(
    bool(kotlin_runner.LACKS), reason=f"this machine lacks {kotlin_runner.LACKS}"
)


class TestKotlin(BenchOfLanguage):
    """The Kotlin library beside Python."""

    runner, device, language, version, engine = kotlin_runner, "jvm", "Kotlin", "java", "JVM"
