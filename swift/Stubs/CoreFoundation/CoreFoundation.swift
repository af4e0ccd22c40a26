import Foundation

/// https://developer.apple.com/documentation/corefoundation/cfallocator
public final class CFAllocator {
  init() { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/corefoundation/cftyperef
public typealias CFTypeRef = AnyObject

// Toll-free bridged types are Foundation's own here: `as` casts between them on a Mac, and does nothing here.

/// https://developer.apple.com/documentation/corefoundation/cfdictionary
public typealias CFDictionary = NSDictionary

/// https://developer.apple.com/documentation/corefoundation/cfstring
public typealias CFString = NSString

/// https://developer.apple.com/documentation/corefoundation/cfdata
public typealias CFData = NSData

/// https://developer.apple.com/documentation/corefoundation/cfmutabledata
public typealias CFMutableData = NSMutableData

/// https://developer.apple.com/documentation/corefoundation/cfequal(_:_:)
public func CFEqual(_ cf1: CFTypeRef!, _ cf2: CFTypeRef!) -> Bool { fatalError("a stub") }
