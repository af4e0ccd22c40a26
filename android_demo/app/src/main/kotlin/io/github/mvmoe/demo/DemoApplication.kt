package io.github.mvmoe.demo

import android.app.Application
import io.github.mvmoe.demo.bench.Bench
import io.github.mvmoe.demo.bench.OrderFollower
import io.github.mvmoe.demo.model.ModelStore
import kotlinx.coroutines.MainScope

/** Owns what the whole process shares: the open model, and what measures. */
class DemoApplication : Application() {
    private val scope = MainScope()

    /** The bundle that is answered with. It outlives activities, so that rotating the phone opens nothing again. */
    val models: ModelStore by lazy { ModelStore(this, scope).also(ModelStore::start) }

    /** What measures. A run outlives activities. */
    internal val bench by lazy { Bench(this, scope) }

    /** What follows orders that come over adb. */
    internal val orders by lazy { OrderFollower(this, scope) }
}
