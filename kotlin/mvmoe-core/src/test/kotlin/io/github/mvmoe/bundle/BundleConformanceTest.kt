package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import org.junit.jupiter.api.DynamicContainer
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.util.stream.Stream
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** `tests/conformance/bundles`: every valid bundle is read as it says, every other refused with its code. */
class BundleConformanceTest {
    @TestFactory
    fun `what is read of a valid bundle`(): Stream<DynamicTest> {
        val place = Workplace()
        val tests =
            BundlesSuite.valid.values.map { bundle ->
                DynamicTest.dynamicTest(bundle.name) {
                    place.edited(bundle.name) { root ->
                        val opened = Bundle.open(root)
                        opened.verify()
                        assertEquals(plainOf(bundle.read), summaryOf(opened.manifest))
                    }
                }
            }
        return tests.stream().onClose(place::close)
    }

    @TestFactory
    fun `the code of every case`(): Stream<DynamicContainer> {
        val place = Workplace()
        val files = BundlesSuite.cases.map { (file, cases) -> DynamicContainer.dynamicContainer(file, cases.map { testOf(it, place) }) }
        return files.stream().onClose(place::close)
    }

    private fun testOf(
        case: BundleCase,
        place: Workplace,
    ) = DynamicTest.dynamicTest(case.name) {
        assertEquals(case.code, place.edited(case.bundle, case.edits, BundlesSuite::codeOf))
    }

    @Test
    fun `no file and no case is left out`() {
        val files =
            setOf(
                "bound",
                "compressed",
                "experts",
                "fields",
                "files",
                "flow",
                "golden",
                "graphs",
                "inner",
                "lists",
                "shapes",
                "tensors",
                "text",
                "values",
            )
        assertEquals(files, BundlesSuite.cases.keys)
        val cases = BundlesSuite.cases.values.flatten()
        assertTrue(cases.size > 1800, "${cases.size}")
        assertTrue(cases.count { it.code == null } > 100)
        val codes = ErrorCode.entries.map { it.id }
        assertEquals(emptySet(), cases.mapNotNull { it.code }.toSet() - codes.toSet())
        assertEquals(13, BundlesSuite.valid.size)
    }
}
