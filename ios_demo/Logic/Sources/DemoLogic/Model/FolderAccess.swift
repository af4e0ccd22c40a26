import Foundation

/// Reads a folder that the user has picked: the app opens the system's door to it before, and closes it after.
///
/// On Apple's systems such a folder is security-scoped, and may lie with a provider of files that fetches them first.
public typealias FolderAccess = @Sendable (_ folder: URL, _ read: (URL) throws -> Void) throws -> Void
