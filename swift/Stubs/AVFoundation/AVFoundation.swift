@_exported import CoreVideo
@_exported import Foundation

/// https://developer.apple.com/documentation/avfoundation/avmediatype
public struct AVMediaType: Hashable, Sendable {
  /// https://developer.apple.com/documentation/avfoundation/avmediatype/video
  public static var video: AVMediaType { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/avfoundation/avauthorizationstatus
public enum AVAuthorizationStatus: Int, Sendable { case notDetermined, restricted, denied, authorized }

/// https://developer.apple.com/documentation/avfoundation/averror-swift.struct
public struct AVError: Error {
  /// https://developer.apple.com/documentation/avfoundation/averror-swift.struct/code
  public enum Code: Int, Sendable { case deviceNotConnected }

  public init(_ code: Code) {}
}

/// https://developer.apple.com/documentation/avfoundation/avcapturedevice
public class AVCaptureDevice: NSObject {
  /// https://developer.apple.com/documentation/avfoundation/avcapturedevice/default(for:)
  public class func `default`(for mediaType: AVMediaType) -> AVCaptureDevice? { fatalError("a stub") }

  /// https://developer.apple.com/documentation/avfoundation/avcapturedevice/authorizationstatus(for:)
  public class func authorizationStatus(for mediaType: AVMediaType) -> AVAuthorizationStatus { fatalError("a stub") }

  /// https://developer.apple.com/documentation/avfoundation/avcapturedevice/requestaccess(for:completionhandler:)
  public class func requestAccess(for mediaType: AVMediaType) async -> Bool { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/avfoundation/avcaptureinput
public class AVCaptureInput: NSObject {}

/// https://developer.apple.com/documentation/avfoundation/avcapturedeviceinput
public class AVCaptureDeviceInput: AVCaptureInput {
  /// https://developer.apple.com/documentation/avfoundation/avcapturedeviceinput/init(device:)
  public init(device: AVCaptureDevice) throws { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/avfoundation/avcaptureoutput
public class AVCaptureOutput: NSObject {
  /// https://developer.apple.com/documentation/avfoundation/avcaptureoutput/connection(with:)
  public func connection(with mediaType: AVMediaType) -> AVCaptureConnection? { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/avfoundation/avcaptureconnection
public class AVCaptureConnection: NSObject {
  /// https://developer.apple.com/documentation/avfoundation/avcaptureconnection/isvideorotationanglesupported(_:)
  public func isVideoRotationAngleSupported(_ videoRotationAngle: CGFloat) -> Bool { fatalError("a stub") }

  /// https://developer.apple.com/documentation/avfoundation/avcaptureconnection/videorotationangle
  public var videoRotationAngle: CGFloat {
    get { fatalError("a stub") }
    set {}
  }
}

/// https://developer.apple.com/documentation/avfoundation/avcapturevideodataoutput
public class AVCaptureVideoDataOutput: AVCaptureOutput {
  /// https://developer.apple.com/documentation/avfoundation/avcapturevideodataoutput/alwaysdiscardslatevideoframes
  public var alwaysDiscardsLateVideoFrames = true

  /// https://developer.apple.com/documentation/avfoundation/avcapturevideodataoutput/videosettings
  public var videoSettings: [String: Any] = [:]

  /// https://developer.apple.com/documentation/avfoundation/avcapturevideodataoutput/setsamplebufferdelegate(_:queue:)
  public func setSampleBufferDelegate(
    _ delegate: (any AVCaptureVideoDataOutputSampleBufferDelegate)?, queue: DispatchQueue?
  ) {}
}

/// https://developer.apple.com/documentation/avfoundation/avcapturevideodataoutputsamplebufferdelegate
public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
  /// https://developer.apple.com/documentation/avfoundation/avcapturevideodataoutputsamplebufferdelegate/captureoutput(_:didoutput:from:)
  func captureOutput(
    _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection)
}

/// https://developer.apple.com/documentation/avfoundation/avcapturesession
public class AVCaptureSession: NSObject {
  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/preset
  public struct Preset: Hashable, Sendable {
    /// https://developer.apple.com/documentation/avfoundation/avcapturesession/preset/vga640x480
    public static var vga640x480: Preset { fatalError("a stub") }
  }

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/runtimeerrornotification
  public class var runtimeErrorNotification: Notification.Name { fatalError("a stub") }

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/isrunning
  public var isRunning: Bool { fatalError("a stub") }

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/sessionpreset
  public var sessionPreset: Preset {
    get { fatalError("a stub") }
    set {}
  }

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/startrunning()
  public func startRunning() {}

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/stoprunning()
  public func stopRunning() {}

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/beginconfiguration()
  public func beginConfiguration() {}

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/commitconfiguration()
  public func commitConfiguration() {}

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/canaddinput(_:)
  public func canAddInput(_ input: AVCaptureInput) -> Bool { fatalError("a stub") }

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/canaddoutput(_:)
  public func canAddOutput(_ output: AVCaptureOutput) -> Bool { fatalError("a stub") }

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/addinput(_:)
  public func addInput(_ input: AVCaptureInput) {}

  /// https://developer.apple.com/documentation/avfoundation/avcapturesession/addoutput(_:)
  public func addOutput(_ output: AVCaptureOutput) {}
}

/// https://developer.apple.com/documentation/avfoundation/avcapturesessionerrorkey
public var AVCaptureSessionErrorKey: String { fatalError("a stub") }

/// https://developer.apple.com/documentation/coremedia/cmsamplebuffer
public final class CMSampleBuffer {
  init() { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/coremedia/cmsamplebuffergetimagebuffer(_:)
public func CMSampleBufferGetImageBuffer(_ sbuf: CMSampleBuffer) -> CVImageBuffer? { fatalError("a stub") }
