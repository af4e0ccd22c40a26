package io.github.mvmoe.demo.answering

/**
 * An answer with how it came about, as the screen shows it.
 *
 * @property top the classes of the first output that classifies, the most probable first; empty for a model without one.
 * @property stages the decision of each router, in their order.
 * @property parts where the time went, in the order in which it did; they add up to [totalNs].
 * @property comparison the same image through all experts; null where the bundle has no target for that.
 * @property others a line for each further output: its name, and what it says.
 * @property marks what outputs say of places of the image.
 */
class Explanation(
    val top: List<Share>,
    val stages: List<RouterDecision>,
    val parts: List<TimePart>,
    val totalNs: Long,
    val comparison: Comparison?,
    val others: List<OtherOutput>,
    val marks: Marks,
)

/** A class with its share of the softmax. */
class Share(
    val label: String,
    val probability: Double,
)

/** An output, by its name, its kind, and its shape or what was found. */
class OtherOutput(
    val name: String,
    val kind: String,
    val shape: List<Int>,
    val found: List<Share>,
)

/**
 * The same image, every expert computed.
 *
 * @property routedNs the median of [runs] predictions by the route alone, its experts in memory.
 * @property allExpertsNs the median of [runs] predictions by all experts.
 */
class Comparison(
    val top: Share?,
    val isSameAnswer: Boolean,
    val routedNs: Long,
    val allExpertsNs: Long,
    val runs: Int,
)
