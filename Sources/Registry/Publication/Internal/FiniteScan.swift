import ECLMCore

/// Looks for NaN and infinity in a safetensors file that comes in pieces.
struct FiniteScan {
    private let entries: [SafetensorsHeader.Entry]
    /// The tensor that the next bytes belong to.
    private var current = 0
    /// The bytes of an element that the pieces so far hold only in part.
    private var rest: [UInt8] = []
    /// Where in the file `rest` begins.
    private var position = 0

    /// A scan of a file with these tensors, in the order of their bytes.
    init(_ entries: [SafetensorsHeader.Entry]) {
        self.entries = entries
    }

    /// Looks through the file's next bytes.
    ///
    /// - Returns: The tensor and element of the first value that is not finite; `nil` when there is none so far.
    mutating func append(_ piece: [UInt8]) -> (tensor: String, element: Int)? {
        let bytes = rest.isEmpty ? piece : rest + piece
        let end = position + bytes.count
        var done = position
        while current < entries.count {
            let entry = entries[current]
            let size = entry.description.dtype.byteCount
            let from = max(done, entry.byteRange.lowerBound)
            guard from <= end else { break }
            let to = min(end, entry.byteRange.upperBound)
            let whole = from + max(0, to - from) / size * size
            let found = bytes.withUnsafeBytes {
                entry.description.dtype.firstNonFinite(
                    in: UnsafeRawBufferPointer(rebasing: $0[(from - position)..<(whole - position)]))
            }
            if let found {
                return (entry.description.name, (from - entry.byteRange.lowerBound) / size + found)
            }
            done = whole
            guard whole == entry.byteRange.upperBound else { break }
            current += 1
        }
        // Before the first tensor and behind the last there is nothing to keep.
        if current == entries.count || entries[current].byteRange.lowerBound >= end { done = end }
        rest = Array(bytes.dropFirst(done - position))
        position = done
        return nil
    }
}
