package import Foundation

/// The executables of this package, which lie beside the test bundle or above it.
package enum BuiltProduct {
  /// - Throws: `CocoaError` of the code `fileNoSuchFile` if there is none of that name.
  package static func url(_ name: String) throws -> URL {
    let starts = [
      URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath(), Bundle.main.bundleURL,
      Bundle.main.executableURL ?? Bundle.main.bundleURL,
    ]
    for start in starts {
      var folder = start
      while folder.path != "/" {
        let product = folder.appendingPathComponent(name)
        if FileManager.default.isExecutableFile(atPath: product.path), !product.hasDirectoryPath { return product }
        folder.deleteLastPathComponent()
      }
    }
    throw CocoaError(.fileNoSuchFile)
  }
}
