package io.github.mvmoe.bench

/** Is told what happens in a run. */
public fun interface BenchListener {
    /** Called on the thread that measures, between two answers, so that what takes long belongs to another thread. */
    public fun onEvent(event: BenchEvent)
}
