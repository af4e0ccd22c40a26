package io.github.mvmoe.outputs

import io.github.mvmoe.bundle.Bounds
import io.github.mvmoe.testing.boolean
import io.github.mvmoe.testing.double
import io.github.mvmoe.testing.doubleOrNull
import io.github.mvmoe.testing.floats
import io.github.mvmoe.testing.get
import io.github.mvmoe.testing.ints
import io.github.mvmoe.testing.items
import io.github.mvmoe.testing.shown
import org.junit.jupiter.api.Test
import kotlin.math.abs
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Every kind against what mvmoe_deploy makes of the same numbers. */
class OutputKindsTest {
    private val kinds = OutputKinds.names.map { assertNotNull(OutputKinds.find(it)) }

    @Test
    fun `kinds are found by their names in a manifest`() {
        assertEquals(listOf("boxes", "embedding", "logits", "map", "mask", "tensor"), OutputKinds.names)
        assertEquals(OutputKinds.names, kinds.map { it.name })
        assertNull(OutputKinds.find("angle"))
    }

    @Test
    fun `which shapes they have, and how many classes`() {
        for (case in OutputCases.named("shapes")) {
            val kind = OutputCases.kindOf(case)
            val shape = case["shape"].ints()
            assertEquals(case["fits"].boolean(), kind.fits(shape), case.shown())
            if (kind.fits(shape)) assertEquals(case["classes"].doubleOrNull()?.toInt(), kind.classes(shape), case.shown())
        }
    }

    @Test
    fun `agreements are the same by every limit`() {
        val cases = OutputCases.named("comparisons")
        assertTrue(cases.size >= 400)
        for (case in cases) {
            val kind = OutputCases.kindOf(case)
            for (pair in case["agreements"].items()) {
                val (limit, wanted) = pair.items()
                val found = kind.agreement(case["given"].floats(), case["wanted"].floats(), case["shape"].ints(), limit.double())
                assertSame(wanted.doubleOrNull(), found) { "limit ${limit.shown()} of ${case.shown()}" }
            }
        }
    }

    @Test
    fun `a box that has gone elsewhere is not found again, in the same row neither`() {
        val shape = listOf(1, 5)
        val given = floatArrayOf(0f, 0f, 10f, 10f, 0.9f)
        val wanted = floatArrayOf(20f, 0f, 30f, 10f, 0.9f)
        assertEquals(0.0, BoxesKind.agreement(given, wanted, shape, limit = 0.0))
        assertEquals(1.0, BoxesKind.agreement(wanted, wanted, shape, limit = 0.0))
    }

    @Test
    fun `a vector that points the other way agrees as little as one across`() {
        val wanted = floatArrayOf(1f, 0f)
        for (given in listOf(floatArrayOf(-1f, 0f), floatArrayOf(0f, 3f), floatArrayOf(0f, 0f))) {
            assertEquals(0.0, EmbeddingKind.agreement(given, wanted, listOf(2)))
        }
    }

    @Test
    fun `the agreement of all images is the mean, of embeddings the least`() {
        val agreements = listOf(1.0, 0.5, 0.75)
        for (kind in kinds) {
            assertEquals(if (kind.name == "embedding") 0.5 else 0.75, kind.summary(agreements))
            assertEquals(1.0, kind.summary(emptyList()))
        }
    }

    @Test
    fun `the least agreement is that of the bounds, of embeddings what an error may take from a cosine`() {
        val bounds = Bounds(agreement = 0.9, answerError = 0.01)
        val least = kinds.associate { it.name to it.leastAgreement(bounds) }
        val wanted = mapOf("boxes" to 0.9, "embedding" to 0.99, "logits" to 0.9, "map" to null, "mask" to 0.9, "tensor" to null)
        assertEquals<Map<String, Double?>>(wanted, least)
        assertEquals(least.filterValues { it != null }.keys, kinds.filter { it.measure != null }.map { it.name }.toSet())
    }

    @Test
    fun `coordinates and scores of boxes are parts of their own`() {
        val shape = listOf(2, 6)
        assertEquals(List(2) { listOf(0, 0, 0, 0, 1, 1) }.flatten(), List(12) { BoxesKind.partOf(it, shape) })
        assertEquals("scores", BoxesKind.parts[BoxesKind.decidingPart])
        for (kind in kinds - BoxesKind) assertEquals(listOf("values"), kind.parts)
    }

    /** Cosines are sums of a few products: another order of summation moves their last bits alone. */
    private fun assertSame(
        wanted: Double?,
        found: Double?,
        message: () -> String,
    ) {
        val same = if (wanted == null || found == null) wanted == found else abs(wanted - found) <= 1e-14
        assertTrue(same, "$found instead of $wanted: ${message()}")
    }
}
