/// An error of a layer that can say what the operating system refused.
package protocol SystemFailure: Error {
    /// - Parameters:
    ///   - action: What was tried, as in "cannot write".
    ///   - path: With which file.
    ///   - number: The system's error, as `errno` has it.
    static func system(_ action: String, _ path: String, number: Int32) -> Self
}
