package io.github.mvmoe.demo.state

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import java.io.Closeable

/** Holds what outlives an activity that is rotated, one object of a class; it is closed when the user has left the activity for good. */
class Retained : Closeable {
    private val objects = HashMap<Class<*>, Any>()

    /** Ends when the activity is left for good. */
    val scope: CoroutineScope = MainScope()

    /** The object of a class, made the first time that it is asked for. */
    inline fun <reified T : Any> get(noinline make: (CoroutineScope) -> T): T = get(T::class.java, make)

    fun <T : Any> get(
        type: Class<T>,
        make: (CoroutineScope) -> T,
    ): T = type.cast(objects.getOrPut(type) { make(scope) })!!

    /** Cancels all work, and closes the objects that can be closed. */
    override fun close() {
        scope.cancel()
        objects.values.filterIsInstance<Closeable>().forEach(Closeable::close)
    }
}
