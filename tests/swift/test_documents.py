"""The Swift of the documents compiles as an app's code does, against stubs of Apple's own."""

import re
import shutil
from pathlib import Path

import apple_stubs
import pytest
import swift_runner

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    bool(swift_runner.LACKS), reason=f"this machine lacks {swift_runner.LACKS}"
)

README = """
import CoreGraphics
import Foundation
import MVMoE
import MVMoECoreML

func readme(folder: URL, picture: CGImage) async throws {{
{block}}}
"""


def blocks(document):
    """The blocks of Swift in a document."""
    return re.findall(r"^```swift\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S)


def compiled(folder, modules, sources):
    """How the compiler ends with an app of these files."""
    folder.mkdir()
    for number, source in enumerate(sources):
        (folder / f"Block{number}.swift").write_text(source)
    # The compiler writes the app's module beside ours.
    return apple_stubs.check(modules, folder)


@pytest.fixture
def modules(apple_modules, tmp_path):
    """A copy of our modules."""
    return shutil.copytree(apple_modules, tmp_path / "modules")


def test_every_block_of_the_page_on_swift_compiles(modules, tmp_path):
    sources = blocks("docs/swift.md")
    assert len(sources) >= 5
    done = compiled(tmp_path / "app", modules, sources)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"App: {len(sources)} files compile" in done.stdout


def test_the_block_of_the_readme_compiles(modules, tmp_path):
    [block] = blocks("README.md")
    done = compiled(tmp_path / "app", modules, [README.format(block=block)])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_block_that_names_what_is_not_there_is_found(modules, tmp_path):
    [block] = blocks("README.md")
    wrong = block.replace(".predict(", ".predicted(")
    assert wrong != block
    done = compiled(tmp_path / "app", modules, [README.format(block=wrong)])
    assert done.returncode != 0
    assert "has no member 'predicted'" in done.stdout + done.stderr
