"""Memory of processes, by budget."""

from mvmoe_bench.report.run_summary import summarize_run


def test_memory_by_budget_the_smallest_first(factory):
    key = "dispatcher:digits:onnx"
    lines = [factory.memory(key, None, repeat, added=30e6) for repeat in range(6)]
    lines += [factory.memory(key, 1, repeat, added=20e6) for repeat in range(6)]

    found = summarize_run(factory.run([factory.subject("dispatcher")], lines=lines)).sections[
        "memory"
    ]

    assert [(m.budget, m.added.total.value, m.n) for m in found] == [(1, 20e6, 6), (None, 30e6, 6)]
    assert found[1].added.anonymous.value == 26e6
    assert found[1].added.bundle_files.value == 4e6
    assert found[1].loaded_bytes.value == 90e6
    assert found[0].peak_rss_bytes == 105e6
