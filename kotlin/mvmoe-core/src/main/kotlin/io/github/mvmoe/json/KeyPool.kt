package io.github.mvmoe.json

/** Keeps one copy of each key of a JSON text: most objects have the keys of many others. */
internal class KeyPool {
    private val keys = HashMap<String, String>()

    /** The first of the equal keys. Beyond a number that no manifest has, keys stay as they are. */
    fun shared(key: String): String = keys[key] ?: key.also { if (keys.size < MOST) keys[key] = key }

    private companion object {
        const val MOST = 1024
    }
}
