package io.github.mvmoe.bench

import io.github.mvmoe.engine.Engine

/** Makes the engines that subjects are measured with. */
public fun interface Engines {
    /**
     * An engine for targets of [format].
     *
     * @param threads what one graph may use.
     * @param options of the engine, as [EngineVariant.options] or the order has them: `{"provider": "xnnpack"}`.
     * @throws io.github.mvmoe.InputException for an option that the engine does not have (`engine.option`).
     * @throws io.github.mvmoe.EngineException where there is no engine of the format (`engine.unsupported-platform`).
     */
    public fun engine(
        format: String,
        threads: Int,
        options: Map<String, String>,
    ): Engine
}
