"""What others wrote reaches a terminal as text: no control character, one line, not too long."""

import io
import json
import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_bench.commands import report
from mvmoe_deploy import errors, text
from mvmoe_deploy.cli import main
from mvmoe_deploy.cli.output import emit
from mvmoe_deploy.system.terminal import SafeConsole

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\r\nerror: forged"
"""Sets a window's title, clears the screen, colours, turns the direction, and forges a line."""

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)
"""Surrogates too: they stand for bytes of file names that are no UTF-8."""


def obeyed(shown):
    """Characters of a text that a terminal obeys, by Unicode's own categories."""
    turning = ["LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"]
    return [
        letter
        for letter in shown
        if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(letter) in turning
    ]


@given(ANY_TEXT)
def test_nothing_that_a_terminal_obeys_is_left(given_text):
    for shown in (
        text.escaped(given_text),
        text.one_line(given_text),
        text.name(given_text),
        text.quoted(given_text),
    ):
        assert not obeyed(shown)
        shown.encode()


def test_what_is_harmless_stays():
    for harmless in ("ä日本", "a\u00a0b", "👩\u200d🔬", "C:\\x1b", "two  spaces"):
        assert text.escaped(harmless) == text.one_line(harmless) == harmless


def test_a_message_is_one_line_and_its_escapes_are_told():
    assert text.one_line("a\n\n  b\tc") == "a b c"
    assert text.one_line("a\x1b[2Jb") == "a\\x1b[2Jb"
    assert text.one_line(ValueError()) == "ValueError"


def test_long_texts_are_cut():
    assert len(text.one_line("a" * 10**7)) == text.LONGEST + 3
    assert len(text.name("\x1b" * 10**6)) == 83


ALL_ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.MvmoeError)
]


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_every_error_keeps_its_message_as_one_harmless_line(kind):
    error = kind(f"the field {ESCAPES} is unknown")
    assert not obeyed(str(error))
    assert str(error).startswith("the field \\x1b]0;owned\\x07")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_console_shows_escapes_in_tables_and_keeps_its_own_colours():
    from rich.table import Table

    out = io.StringIO()
    shown_on = SafeConsole(file=out, force_terminal=True, width=200, highlight=False, markup=False)
    rows = Table("name", header_style="bold")
    rows.add_row(ESCAPES)
    shown_on.print(rows)
    shown_on.print(ESCAPES)
    shown = out.getvalue()
    assert "\x1b[1m" in shown  # the header's own
    assert "\x1b]0" not in shown and "\x1b[2J" not in shown
    assert not {"\x07", "\x9b", "\u202e", "\u2066"} & set(shown)
    assert "\\x1b]0;owned" in shown


def test_no_value_forges_a_row(capsys):
    written = report.WrittenReport(report=ESCAPES, format="html", runs=1, skipped=0)
    emit(False, written, report.show)
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert not obeyed(shown.rstrip("\n"))


def run(capfd, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return ended.value.code, out, err


def test_a_manifest_with_escapes_in_its_keys_is_refused_in_plain_text(tmp_path, capfd):
    for number, content in enumerate(
        (
            {"format": "mvmoe-bundle", "version": 1, ESCAPES: 1},
            {"format": ESCAPES, "version": 1},
            {"format": "mvmoe-bundle", "version": ESCAPES},
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        data = json.dumps(content, ensure_ascii=False).encode()
        (folder / "manifest.json").write_bytes(data)
        code, out, err = run(capfd, "inspect", folder)
        assert code == 2 and not out
        assert not obeyed(err.rstrip("\n"))
        assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["photo\x1b[2J\x07\u202e.png", "photo\nerror: forged", "a\udcff"])
def test_file_names_are_quoted_in_plain_text(tmp_path, capfd, name):
    for command in ("inspect", "verify"):
        code, out, err = run(capfd, command, tmp_path / name)
        assert code == 2 and not out
        assert not obeyed(err.rstrip("\n"))


def test_a_traceback_is_plain_text_too(tmp_path, capfd):
    code, _, err = run(capfd, "inspect", tmp_path / ESCAPES, "--debug")
    assert code == 2
    assert "Traceback" in err
    assert not obeyed(err.replace("\n", ""))
