package io.github.mvmoe

import io.github.mvmoe.preprocessing.InputTransform
import io.github.mvmoe.runtime.AnswerParts

/**
 * The answer for an image that the dispatcher has prepared itself.
 *
 * @property transform where the model's input lies in the upright image, so that boxes can be drawn on it.
 * @property timings how long each part took.
 */
public class Prediction internal constructor(
    parts: AnswerParts,
    public val transform: InputTransform,
    public val timings: Timings,
) : Answer(parts)
