package org.pytorch.executorch;

public class ExecutorchRuntimeException extends RuntimeException {
  ExecutorchRuntimeException() {}

  public static RuntimeException makeExecutorchException(int errorCode, String details) {
    throw Stub.called();
  }
}
