package io.github.mvmoe.demo.model

import io.github.mvmoe.Dispatcher
import io.github.mvmoe.demo.experts.ExpertsModel
import java.io.Closeable
import java.io.File

/**
 * A bundle whose graphs are open.
 *
 * @property folder where it is installed.
 * @property name what people call it.
 * @property routed runs the experts alone that an image needs.
 * @property allExperts the same model with every expert computed for every image, to compare with; null where the bundle has no such
 * target, or it cannot be opened.
 * @property withoutAllExperts why there is no [allExperts], in a sentence.
 */
class OpenModel(
    val folder: File,
    val name: String,
    val routed: Dispatcher,
    val allExperts: Dispatcher?,
    val withoutAllExperts: String?,
) : Closeable {
    /** What is in the memory of [routed], and what was loaded when, from here on. */
    internal val experts = ExpertsModel(routed)

    /** Waits for calls in flight. */
    override fun close() {
        experts.close()
        routed.close()
        allExperts?.close()
    }
}
