package org.pytorch.executorch

class EValue(
    private val tensor: Tensor?,
) {
    fun isTensor(): Boolean = tensor != null

    fun toTensor(): Tensor = checkNotNull(tensor) { "Cannot convert to Tensor" }

    companion object {
        @JvmStatic
        fun from(value: Tensor): EValue = EValue(value)
    }
}
