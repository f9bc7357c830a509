import Core

/// The means between two ranks of files in memory that hold weights: read in place, over all cores.
struct MemoryMeans {
    let header: SafetensorsHeader
    let means: SortedMeans
    let cores: Int

    /// The means, as a file of the base's layout.
    ///
    /// - Parameters:
    ///   - headerBytes: The base's file up to its tensors.
    ///   - base: Its whole file, for what is not learned.
    ///   - files: Files whose tensors fit the base's, with their headers.
    func file(_ headerBytes: [UInt8], base: [UInt8], of files: [([UInt8], SafetensorsHeader)]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: header.byteCount) { buffer, count in
            let output = UnsafeMutableRawBufferPointer(buffer)
            header.copyUnlearned(headerBytes, base, to: output)
            MemoryBlobs.withPointers(to: files.map(\.0)[...]) { pointers in
                for entry in header.entries where entry.description.dtype.isFloatingPoint {
                    let (dtype, total) = (entry.description.dtype, entry.description.elementCount ?? 0)
                    guard total > 0, let start = output.baseAddress else { continue }
                    let rows = zip(pointers, files).map { pointer, file in
                        Optional(pointer + (file.1[entry.description.name]?.byteRange.lowerBound ?? 0))
                    }
                    // Safe to share: stretches do not overlap.
                    nonisolated(unsafe) let target = start + entry.byteRange.lowerBound
                    means.means(of: rows, dtype, count: total, on: cores) { first, means in
                        WeightedSums.write(means, as: dtype, to: target + first * dtype.byteCount)
                    }
                }
            }
            count = header.byteCount
        }
    }
}

extension SafetensorsHeader {
    /// Copies to a file of this header what no rule computes: the header's bytes, and the base's tensors that are no
    /// floating-point numbers.
    func copyUnlearned(_ headerBytes: [UInt8], _ base: [UInt8], to output: UnsafeMutableRawBufferPointer) {
        output.copyBytes(from: headerBytes)
        for entry in entries where !entry.description.dtype.isFloatingPoint {
            UnsafeMutableRawBufferPointer(rebasing: output[entry.byteRange]).copyBytes(from: base[entry.byteRange])
        }
    }
}
