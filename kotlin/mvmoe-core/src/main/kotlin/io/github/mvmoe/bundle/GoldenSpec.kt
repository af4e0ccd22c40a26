package io.github.mvmoe.bundle

/**
 * The golden vectors: inputs with the answers that PyTorch gives.
 *
 * @property images how many inputs there are.
 * @property file the safetensors file with them.
 */
public class GoldenSpec internal constructor(
    public val images: Int,
    public val file: FileRecord,
)
