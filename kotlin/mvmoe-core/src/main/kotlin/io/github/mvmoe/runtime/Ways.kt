package io.github.mvmoe.runtime

/** How an image's way through the routed stages compares with the golden one. */
internal enum class WayEnd {
    /** It took the golden route at every stage. */
    ARRIVED,

    /** It took another route between experts that are as good as equal. */
    NEAR_TIE,

    /** It took another route. */
    REROUTED,
}

/**
 * The ways of all images.
 *
 * @property ends by image.
 * @property routerError the largest of all routers' logits, relative to the router's largest golden logit.
 */
internal class Ways(
    val ends: List<WayEnd>,
    val routerError: Double,
) {
    /** The images whose way ends so. */
    fun imagesWith(end: WayEnd): List<Int> = ends.indices.filter { ends[it] == end }
}
