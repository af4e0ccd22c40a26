package io.github.mvmoe.onnx

import io.github.mvmoe.engine.GraphPlacement

/**
 * What ONNX Runtime's profile of one run says of nodes: which provider ran each.
 *
 * The file has an event a line; those of nodes that ran are of the category `Node`, and end in `_kernel_time`. Java's API has no other
 * way to learn it.
 */
internal object Profile {
    private const val SUFFIX = "ExecutionProvider"
    private val isRun = Regex(""""cat"\s*:\s*"Node".*"name"\s*:\s*"[^"]*_kernel_time"""")
    private val operator = Regex(""""op_name"\s*:\s*"([^"]*)"""")
    private val provider = Regex(""""provider"\s*:\s*"([^"]*)"""")

    /** Of a profile's [lines], where the provider called [preferred] was asked for. */
    fun placement(
        lines: Sequence<String>,
        preferred: String,
    ): GraphPlacement {
        val byUnit = LinkedHashMap<String, Int>()
        val outside = LinkedHashMap<String, Int>()
        for (line in lines) {
            if (!isRun.containsMatchIn(line)) continue
            val unit = found(provider, line)?.removeSuffix(SUFFIX) ?: continue
            byUnit[unit] = 1 + (byUnit[unit] ?: 0)
            if (unit.equals(preferred, ignoreCase = true)) continue
            val type = found(operator, line) ?: UNKNOWN
            outside[type] = 1 + (outside[type] ?: 0)
        }
        return GraphPlacement(byUnit, outside)
    }

    private fun found(
        field: Regex,
        line: String,
    ): String? = field.find(line)?.groupValues?.get(1)

    private const val UNKNOWN = "unknown"
}
