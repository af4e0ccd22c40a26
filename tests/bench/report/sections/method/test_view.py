"""Where and how it was measured, word for word; the statistics are stated."""

import pytest


@pytest.fixture(scope="module")
def found(factory, shown):
    s = factory.subject("dispatcher", threads=2)
    run = factory.run([s], lines=factory.constant(s.key, 8.0), threads=2, notes=["left out: x"])
    return shown(run, "method")


def test_facts(found):
    facts = {row["what"]: row["value"] for row in found.rows()}

    assert facts["CPU"] == "AMD EPYC"
    assert facts["memory"] == "24.0 GB"
    assert facts["threads"] == "2"
    assert facts["preset"] == "standard: 9 repeats of at least 48 rounds"
    assert facts["repeats measured"] == "6"
    assert facts["images"] == "16 of digits (sha256 abababababab)"
    assert facts["routes"] == "the router's own"
    assert facts["resumed"] == "no"


def test_subjects_and_bundles(found):
    (subject,) = found.rows(1)
    (bundle,) = found.rows(2)

    assert subject["what it is"].startswith("the product:")
    assert (subject["bundle"], subject["target"], subject["threads"]) == ("digits", "onnx", "2")
    assert (subject["engine"], subject["failures"]) == ("ONNX Runtime 1.31.1 (CPU)", "none")
    assert (bundle["parameters"], bundle["active an image"]) == ("12.00 M", "6.00 M")
    assert (bundle["multiply-accumulates"], bundle["experts"]) == ("250.0 M", "4")


def test_notes_and_the_statistics_are_said(found):
    texts = [text for block in found.blocks for text in getattr(block, "paragraphs", ())]

    assert "Note: left out: x" in texts
    assert any("too few for a bootstrap" in text and "median of its answers" in text
               for text in texts)  # fmt: skip
