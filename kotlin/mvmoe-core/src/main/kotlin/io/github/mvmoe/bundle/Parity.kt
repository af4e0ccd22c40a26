package io.github.mvmoe.bundle

/**
 * What the export checked against PyTorch, graph by graph.
 *
 * @property graphs how many were compared.
 * @property maxAbsError their largest error.
 * @property tolerance what it had to meet.
 * @property verification how all graphs in a row compared; null where that was skipped.
 */
public class Parity internal constructor(
    public val graphs: Long,
    public val maxAbsError: Double,
    public val tolerance: Double,
    public val verification: Verification?,
)
