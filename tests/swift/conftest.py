"""What several tests of the Swift package need."""

import apple_stubs
import pytest


@pytest.fixture(scope="session")
def apple_modules(made_once):
    """The folder with the stubs and our modules, which all compile; what was said is in `said`."""

    def write(folder):
        unfinished = folder.with_name("unfinished-modules")
        unfinished.mkdir()
        done = apple_stubs.check(unfinished)
        assert done.returncode == 0, done.stdout + done.stderr
        (unfinished / "said").write_text(done.stdout)
        unfinished.rename(folder)

    return made_once("apple-modules", write)
