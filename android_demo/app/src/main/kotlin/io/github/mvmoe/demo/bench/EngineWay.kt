package io.github.mvmoe.demo.bench

import io.github.mvmoe.bench.EngineVariant

/** Why an app cannot run a target in some way. */
internal enum class Missing {
    /** The app was built without the engine, or the engine without that part of it. */
    NOT_BUILT,

    /** Android of this version lacks what the engine calls. */
    SYSTEM_TOO_OLD,

    /** The app knows no engine that runs the target's format. */
    NO_ENGINE,

    /** The target takes several images at a time, and the app measures one. */
    SEVERAL_IMAGES,
}

/**
 * One way in which this app runs targets of a format, or would.
 *
 * @property missing why it does not; null where it does.
 */
internal class EngineWay(
    val variant: EngineVariant,
    val missing: Missing?,
)
