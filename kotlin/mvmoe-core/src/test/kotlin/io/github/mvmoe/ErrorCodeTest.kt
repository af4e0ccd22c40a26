package io.github.mvmoe

import org.junit.jupiter.api.Test
import java.io.File
import kotlin.test.assertEquals

class ErrorCodeTest {
    private val row = Regex("""\| `([a-z-]+\.[a-z-]+)` \|.*""")

    /** What only the exporter and the commands raise has no code here; the rest is in the page's order. */
    @Test
    fun `codes are those of the list in the documentation`() {
        val page = File(System.getProperty("mvmoe.repository"), "docs/errors.md").readLines()
        val documented = page.mapNotNull { row.matchEntire(it)?.groupValues?.get(1) }
        val codes = ErrorCode.entries.map { it.id }
        assertEquals(documented.filter { it in codes }, codes)
    }
}
