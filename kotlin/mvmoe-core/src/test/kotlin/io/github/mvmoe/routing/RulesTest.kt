package io.github.mvmoe.routing

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.StrictJson
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

/** Rules as a manifest has them. The bundles' conformance cases ask for each code; here is who says what. */
class RulesTest {
    @Test
    fun `a rule that is not known is refused with those that are`() {
        val error = refused("""{"type":"hash","experts":4}""")
        assertEquals(ErrorCode.BUNDLE_UNKNOWN_RULE, error.code)
        assertEquals(mapOf("name" to "hash", "installed" to listOf("given", "threshold", "top_k", "top_p")), error.fields)
    }

    @Test
    fun `values that leave no route are refused with their place in the manifest`() {
        val error = refused("""{"type":"top_k","experts":4,"k":5}""")
        assertEquals(ErrorCode.ROUTING_RULE_INVALID, error.code)
        assertEquals(
            "$.stages[1].rule is no rule that images can follow: top_k with k = 5 cannot select from 4 experts; give 1 <= k <= experts",
            error.message,
        )
    }

    @Test
    fun `a field beyond its range is a fault of the field`() {
        assertEquals(ErrorCode.BUNDLE_MANIFEST_OUT_OF_RANGE, refused("""{"type":"top_k","experts":4097}""").code)
        assertEquals(ErrorCode.BUNDLE_MANIFEST_WRONG_TYPE, refused("""{"type":"top_p","experts":4,"p":"0.5","k_max":1}""").code)
        assertEquals(ErrorCode.BUNDLE_MANIFEST_MISSING_FIELD, refused("""{"type":"threshold","experts":4}""").code)
    }

    @Test
    fun `an expert that no Int holds is none`() {
        val error = refused("""{"type":"given","experts":4,"routes":{"a":[100000000000000000000]}}""")
        assertEquals(ErrorCode.ROUTING_RULE_INVALID, error.code)
    }

    @Test
    fun `a rule within a rule is read as strictly`() {
        val inner = """{"type":"top_k","experts":4,"surprise":1}"""
        val error = refused("""{"type":"given","experts":4,"routes":{"a":[0]},"otherwise":$inner}""")
        assertEquals(ErrorCode.BUNDLE_MANIFEST_UNKNOWN_FIELD, error.code)
    }

    @Test
    fun `rules made in code are checked too`() {
        val wrong =
            listOf<() -> Rule>(
                { TopK(experts = 0) },
                { TopK(experts = 4, k = 0) },
                { TopK(experts = Int.MAX_VALUE) },
                { TopP(experts = 4, p = Double.NaN, kMax = 2) },
                { TopP(experts = 4, p = 0.5, kMax = Int.MIN_VALUE) },
                { Threshold(experts = Int.MAX_VALUE, thresholds = DoubleArray(1)) },
                { Threshold(experts = 1, thresholds = doubleArrayOf(Double.NaN)) },
                { Given(experts = 4, named = mapOf("a" to Route.of(4))) },
                { TopK(experts = 4, k = 2, kept = intArrayOf(3)) },
                { TopP(experts = 4, p = 0.5, kMax = 2, kept = intArrayOf(0, 1, 2, 3)) },
                { Threshold(experts = 2, thresholds = DoubleArray(2), kept = intArrayOf()) },
                { Threshold(experts = 2, thresholds = DoubleArray(2), kept = intArrayOf(2)) },
            )
        for (make in wrong) assertEquals(ErrorCode.ROUTING_RULE_INVALID, assertFailsWith<InputException> { make() }.code)
    }

    @Test
    fun `experts that cannot be kept are refused with those that were given`() {
        val error = refused("""{"type":"top_k","experts":4,"k":2,"kept":[2,0]}""")
        assertEquals(ErrorCode.ROUTING_RULE_INVALID, error.code)
        assertEquals(
            "$.stages[1].rule is no rule that images can follow: top_k keeps the experts [2, 0] of 4; give 2 or more of them, " +
                "fewer than 4, in ascending order",
            error.message,
        )
        assertEquals(ErrorCode.BUNDLE_MANIFEST_OUT_OF_RANGE, refused("""{"type":"top_k","experts":4,"kept":[]}""").code)
        assertEquals(ErrorCode.BUNDLE_MANIFEST_OUT_OF_RANGE, refused("""{"type":"top_k","experts":4,"kept":[4096]}""").code)
        assertEquals(ErrorCode.BUNDLE_MANIFEST_WRONG_TYPE, refused("""{"type":"top_k","experts":4,"kept":1}""").code)
    }

    @Test
    fun `a rule says which experts it keeps`() {
        val some = intArrayOf(0, 2, 5)
        assertEquals("top 2 of 8 experts, only 0, 2 and 5, renormalized", TopK(8, 2, renormalize = true, kept = some).describe())
        assertEquals("top 1 of 8 experts, only 7", TopK(8, kept = intArrayOf(7)).describe())
        assertEquals("top p = 0.5 of 8 experts, only 0, 2 and 5, at most 3", TopP(8, 0.5, 8, kept = some).describe())
        val many = IntArray(9) { it }
        assertEquals(
            "those of 10 experts, only 9 of them above their thresholds, the best if none is",
            Threshold(10, DoubleArray(10), many).describe(),
        )
    }

    private fun refused(rule: String): BundleException =
        assertFailsWith<BundleException> { Rules.read(Fields(StrictJson.parse(rule.toByteArray()), "$.stages[1].rule")).let { } }
}
