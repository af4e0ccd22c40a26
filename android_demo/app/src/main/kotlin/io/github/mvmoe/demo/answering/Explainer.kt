package io.github.mvmoe.demo.answering

import io.github.mvmoe.Dispatcher
import io.github.mvmoe.Prediction
import io.github.mvmoe.demo.model.OpenModel
import io.github.mvmoe.outputs.LogitsOutput
import io.github.mvmoe.outputs.MaskOutput
import io.github.mvmoe.outputs.Output
import io.github.mvmoe.preprocessing.PixelBuffer

/** Answers images with a model, and says how the answers came about. It blocks. */
class Explainer(
    private val model: OpenModel,
) {
    /**
     * The answer for an image that stays, compared with that of all experts.
     *
     * @throws io.github.mvmoe.MvmoeException as `Dispatcher.predict`.
     */
    fun still(pixels: PixelBuffer): Explanation = explain(model.routed.predict(pixels), model.allExperts?.let { compare(it, pixels) })

    /** The answer for a frame of a camera: there is no time for more. */
    fun frame(pixels: PixelBuffer): Explanation = explain(model.routed.predict(pixels), null)

    /** In turn, so that whatever else the phone does is the same for both. The first of each is not counted. */
    private fun compare(
        allExperts: Dispatcher,
        pixels: PixelBuffer,
    ): Comparison {
        val routed = ArrayList<Prediction>()
        val all = ArrayList<Prediction>()
        repeat(RUNS + 1) {
            routed += model.routed.predict(pixels)
            all += allExperts.predict(pixels)
        }
        val top = top(all.last()).firstOrNull()
        return Comparison(top, top?.label == top(routed.last()).firstOrNull()?.label, median(routed), median(all), RUNS)
    }

    private fun median(predictions: List<Prediction>): Long =
        predictions
            .drop(1)
            .map { it.timings.total }
            .sorted()[RUNS / 2]

    private fun explain(
        prediction: Prediction,
        comparison: Comparison?,
    ): Explanation {
        val classifying = classifying(prediction)
        return Explanation(
            top(prediction),
            decisions(prediction),
            partsOf(prediction.timings),
            prediction.timings.total,
            comparison,
            prediction.outputs.values
                .filter { it !== classifying }
                .map(::other),
            Marks.of(prediction),
        )
    }

    private fun classifying(prediction: Prediction): LogitsOutput? =
        prediction.outputs.values
            .filterIsInstance<LogitsOutput>()
            .firstOrNull()

    private fun top(prediction: Prediction): List<Share> = classifying(prediction)?.let(::shares).orEmpty()

    private fun shares(output: LogitsOutput): List<Share> = output.top(TOP).map { Share(it.label, it.probability) }

    private fun decisions(prediction: Prediction): List<RouterDecision> {
        val stages =
            model.routed.bundle.manifest.stages
                .filter { it.rule != null }
        // An image that was finished early has not reached the last ones.
        return prediction.routes.mapIndexed { index, route ->
            val stage = stages[index]
            RouterDecision.of(stage.name, stage.rule!!, route, prediction.routerLogits[index])
        }
    }

    private fun other(output: Output): OtherOutput {
        val found =
            when (output) {
                is LogitsOutput -> shares(output)
                is MaskOutput -> output.shares().map { Share(it.label, it.share) }
                else -> emptyList()
            }
        return OtherOutput(output.name, output.kind, output.shape, found)
    }

    private companion object {
        const val TOP = 3
        const val RUNS = 5
    }
}
