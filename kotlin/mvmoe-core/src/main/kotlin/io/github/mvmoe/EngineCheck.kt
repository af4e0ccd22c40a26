package io.github.mvmoe

/**
 * How an engine answers a bundle's golden images, and how far it may be off.
 *
 * Errors are the largest differences from PyTorch, relative to the largest golden value: of the routers' logits, and of the
 * outputs of images on the golden route, of several outputs that which is furthest off. They are infinite where the engine gives
 * what is not finite.
 *
 * @property images how many golden images there are.
 * @property rerouted images on another route although it is no near-tie.
 * @property nearTies images on another route because two experts are as good as equal, which is no fault.
 * @property routerError of the routers' logits.
 * @property routerErrorBound what [routerError] may be.
 * @property answerError of the outputs.
 * @property answerErrorBound what [answerError] may be.
 * @property outputs by name; empty if no image takes the golden route.
 */
public class EngineCheck internal constructor(
    public val images: Int,
    public val rerouted: List<Int>,
    public val nearTies: List<Int>,
    public val routerError: Double,
    public val routerErrorBound: Double,
    public val answerError: Double,
    public val answerErrorBound: Double,
    public val outputs: Map<String, CheckedOutput>,
) {
    /** Whether every image takes its route, and every figure is within its bound. */
    public val ok: Boolean
        get() =
            rerouted.isEmpty() && routerError <= routerErrorBound && answerError <= answerErrorBound && outputs.values.all { it.agrees }

    /** @throws CheckFailedException with the figures (`check.engine`) if the engine falls short. */
    public fun requireOk() {
        if (!ok) throw CheckFailedException("$this; use another engine, or other options of it", fields())
    }

    /** The figures in a sentence. */
    override fun toString(): String =
        (if (ok) "the engine answers as the bundle's golden vectors" else "the engine does not answer as the bundle's golden vectors") +
            ": ${rerouted.size} of $images images take another route, router logits are off by ${brief(routerError)} of the largest " +
            "(bound ${brief(routerErrorBound)}), outputs by ${brief(answerError)} (bound ${brief(answerErrorBound)})" + disagreements()

    private fun fields(): Map<String, Any?> =
        mapOf(
            "rerouted" to rerouted,
            "router_error" to routerError,
            "router_error_bound" to routerErrorBound,
            "answer_error" to answerError,
            "answer_error_bound" to answerErrorBound,
            "disagreeing" to disagreeing().keys.toList(),
        )

    private fun disagreeing(): Map<String, CheckedOutput> = outputs.filterValues { !it.agrees }

    private fun disagreements(): String =
        disagreeing().entries.joinToString("") { (name, found) ->
            ", the output $name has a ${found.measure} of ${found.agreement} (at least ${found.leastAgreement})"
        }

    // `%g` of a locale would write a comma in some.
    private fun brief(number: Double): String = "%.2g".format(java.util.Locale.ROOT, number)
}
