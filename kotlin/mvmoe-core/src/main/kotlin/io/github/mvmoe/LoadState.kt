package io.github.mvmoe

/** Where a graph is, as `Dispatcher.loadStates` says it. */
public enum class LoadState {
    /** Not in memory: it is loaded when an image needs it. */
    UNLOADED,

    /** The engine loads it. */
    LOADING,

    /** In memory. */
    READY,

    /** Its last load failed; the next image that needs it tries again. */
    FAILED,

    /**
     * It takes the weights of experts as inputs (strategy `bind`).
     *
     * The graph stays in memory; which pages of its experts' weights are there too, the system decides.
     */
    MAPPED,
}
