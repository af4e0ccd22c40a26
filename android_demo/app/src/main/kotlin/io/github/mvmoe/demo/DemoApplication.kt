package io.github.mvmoe.demo

import android.app.Application
import io.github.mvmoe.demo.model.ModelStore
import kotlinx.coroutines.MainScope

/** Owns what the whole process shares: the open model. */
class DemoApplication : Application() {
    private val scope = MainScope()

    /** The bundle that is answered with. It outlives activities, so that rotating the phone opens nothing again. */
    val models: ModelStore by lazy { ModelStore(this, scope).also(ModelStore::start) }
}
