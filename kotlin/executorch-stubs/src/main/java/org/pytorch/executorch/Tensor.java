package org.pytorch.executorch;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;

public abstract class Tensor {
  Tensor() {}

  public static Tensor fromBlob(ByteBuffer data, long[] shape) {
    throw Stub.called();
  }

  public static Tensor fromBlob(FloatBuffer data, long[] shape) {
    throw Stub.called();
  }

  public static Tensor fromBlob(IntBuffer data, long[] shape) {
    throw Stub.called();
  }

  public static Tensor fromBlob(LongBuffer data, long[] shape) {
    throw Stub.called();
  }

  public abstract DType dtype();

  public long[] shape() {
    throw Stub.called();
  }

  public float[] getDataAsFloatArray() {
    throw Stub.called();
  }

  public int[] getDataAsIntArray() {
    throw Stub.called();
  }

  public long[] getDataAsLongArray() {
    throw Stub.called();
  }
}
