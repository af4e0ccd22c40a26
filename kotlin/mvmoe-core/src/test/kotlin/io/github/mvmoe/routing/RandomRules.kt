package io.github.mvmoe.routing

import kotlin.math.abs
import kotlin.random.Random

/** Rules of few experts, of every kind, and logits for them; the same ones for one seed. */
internal class RandomRules(
    seed: Int,
) {
    private val random = Random(seed)

    fun rule(): Rule {
        val router = router(random.nextInt(1, 9))
        return if (random.nextInt(4) > 0) router else given(router)
    }

    /** Logits that are near to each other, equal, far apart, or so far that scores underflow. */
    fun logits(experts: Int): FloatArray {
        val size = SIZES.random(random)
        return FloatArray(experts) { if (random.nextInt(3) == 0) LEVELS.random(random) else random.nextDouble(-size, size).toFloat() }
    }

    /** Other logits, each of which differs by less than [bound]. */
    fun near(
        logits: FloatArray,
        bound: Double,
    ): FloatArray =
        FloatArray(logits.size) {
            // As far as can be to one side is what turns a route first.
            val part = if (random.nextBoolean()) random.nextDouble(-1.0, 1.0) else listOf(-NEARLY, NEARLY).random(random)
            val changed = (logits[it] + bound * part).toFloat()
            if (abs(changed.toDouble() - logits[it]) < bound) changed else logits[it]
        }

    private fun router(experts: Int): RouterRule =
        when (random.nextInt(3)) {
            0 -> {
                topK(experts, random.nextInt(1, experts + 1))
            }

            1 -> {
                TopP(
                    experts,
                    listOf(0.0, 0.25, 0.5, random.nextDouble()).random(random),
                    random.nextInt(1, experts + 1),
                    random.nextBoolean(),
                    keptOf(experts, 1),
                )
            }

            else -> {
                val thresholds = DoubleArray(experts) { if (random.nextBoolean()) 0.5 else random.nextDouble(-30.0, 30.0) }
                Threshold(experts, thresholds, keptOf(experts, 1))
            }
        }

    private fun topK(
        experts: Int,
        k: Int,
    ): TopK = random.nextInt(3).let { TopK(experts, k, renormalize = it == 1, unitGates = it == 2, keptOf(experts, k)) }

    /** Some of the experts, as many as a route has at least; null for all, as often as not. */
    private fun keptOf(
        experts: Int,
        fewest: Int,
    ): IntArray? {
        if (fewest >= experts || random.nextBoolean()) return null
        return (0 until experts)
            .shuffled(random)
            .take(random.nextInt(fewest, experts))
            .sorted()
            .toIntArray()
    }

    private fun given(router: RouterRule): Given {
        val named = listOf("b", "a", "c_9").take(random.nextInt(1, 4)).associateWith { someOf(router.experts) }
        return Given(router.experts, named, "task", router.takeIf { random.nextInt(4) > 0 })
    }

    private fun someOf(experts: Int): Route {
        val chosen = (0 until experts).filter { random.nextBoolean() }.ifEmpty { listOf(random.nextInt(experts)) }
        return Route.of(*chosen.toIntArray())
    }

    private companion object {
        const val NEARLY = 1 - 1e-9
        val SIZES = listOf(1e-6, 1.0, 30.0, 300.0)
        val LEVELS = listOf(-2f, 0f, 0.5f, 1f)
    }
}
