package io.github.mvmoe.android

/** How hot the device is, as `PowerManager` has it. */
public enum class ThermalStatus {
    /** The system does not say (before Android 10). */
    UNKNOWN,

    /** Nothing is throttled. */
    NONE,

    /** Throttled lightly: not noticed by users. */
    LIGHT,

    /** Throttled moderately: hardly noticed. */
    MODERATE,

    /** Throttled severely: what the user sees is slower. */
    SEVERE,

    /** Everything that can be is throttled. */
    CRITICAL,

    /** Parts of the device are switched off. */
    EMERGENCY,

    /** The device switches itself off. */
    SHUTDOWN,
}
