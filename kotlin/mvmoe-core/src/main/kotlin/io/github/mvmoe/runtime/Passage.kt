package io.github.mvmoe.runtime

import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Selection
import io.github.mvmoe.routing.Selector

/**
 * The way of one image through the stages.
 *
 * @property selections the route and gates of each routed stage that it reached.
 * @property last the stage that ran last.
 */
internal class Passage(
    val selections: List<Selection>,
    val last: Int,
)

/**
 * Takes the first image of some buffers through the stages, until it is finished.
 *
 * Between two graphs the caches are full of weights and every line runs cold, so there is as little here as can be: what a
 * route needs is looked up once, in [InferenceBuffers.step].
 *
 * @param selectors what selects the routes, one for each routed stage.
 * @param callersImage an image `[1, C, H, W]` that the stem reads where it lies, instead of that of the buffers.
 */
internal fun passOne(
    graphs: GraphCache,
    buffers: InferenceBuffers,
    selectors: List<Selector>,
    callersImage: Tensor?,
): Passage {
    val laps = buffers.laps
    buffers.stem(callersImage).run(laps, Part.STEM, Part.STEM)
    val selections = ArrayList<Selection>(selectors.size)
    for (stage in 1..selectors.size) {
        val selection = selectors[stage - 1].select(buffers.firstLogits[stage - 1])
        selections += selection
        val step = buffers.step(stage, selection.route)
        if (step.last == null) {
            laps.end(Part.SELECT)
            return Passage(selections, stage - 1)
        }
        if (graphs.takesWeights) graphs.advise(stage, selection.route)
        step.gates.write(selection.gates)
        laps.end(Part.SELECT)
        for (expert in step.experts) expert.run(laps, Part.LOAD, Part.EXPERT)
        step.last.run(laps, Part.LOAD, Part.EXPERT)
    }
    return Passage(selections, selectors.size)
}
