package io.github.mvmoe.bundle

/** Which files of a target an engine reads for each graph: the graph's own, and those of no single graph. */
internal class GraphFiles(
    target: Target,
) {
    private val own = HashMap<String, MutableList<FileRecord>>()
    private val shared = ArrayList<FileRecord>()

    /** The lengths of graphs' paths: a path may have hundreds of folders, of which few can be a graph's package. */
    private val lengths = target.graphs.mapTo(HashSet()) { it.file.length }

    init {
        for (graph in target.graphs) own.getOrPut(graph.file) { ArrayList(1) }
        for (file in target.files) (ownerOf(file.path) ?: shared).add(file)
    }

    /** Made anew at each call: many graphs with many shared files would fill the memory. */
    fun of(graph: Graph): List<FileRecord> = own.getValue(graph.file) + shared

    /** The list of the graph that a file is, or whose package it lies in. */
    private fun ownerOf(path: String): MutableList<FileRecord>? {
        var end = path.length
        while (end > 0) {
            if (end in lengths) own[path.substring(0, end)]?.let { return it }
            end = path.lastIndexOf('/', end - 1)
        }
        return null
    }
}
