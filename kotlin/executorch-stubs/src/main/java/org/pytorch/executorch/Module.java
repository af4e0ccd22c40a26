package org.pytorch.executorch;

public class Module {
  public static final int LOAD_MODE_MMAP = 1;

  private Module() {}

  public static Module load(String modelPath, int loadMode, int numThreads) {
    throw Stub.called();
  }

  public EValue[] execute(String methodName, EValue... inputs) {
    throw Stub.called();
  }

  public int loadMethod(String methodName) {
    throw Stub.called();
  }

  public void destroy() {
    throw Stub.called();
  }
}
