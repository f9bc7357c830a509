import CAggregation
import ECLMCore

/// The means between two ranks of files in memory that hold weights: read in place, over all cores.
struct MemoryMeans {
    let header: SafetensorsHeader
    let means: SortedMeans
    let cores: Int

    /// The means, as a file of the base's layout.
    ///
    /// - Parameters:
    ///   - headerBytes: The base's file up to its tensors.
    ///   - unlearned: What the base's file has where no floating-point numbers are.
    ///   - files: Files whose tensors fit the base's, with their headers.
    func file(
        _ headerBytes: [UInt8], unlearned: [Unlearned], of files: [([UInt8], SafetensorsHeader)]
    ) -> [UInt8] {
        header.file(headerBytes, unlearned: unlearned) { output in
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
        }
    }
}

/// A tensor of the base that no rule computes, since it is no floating-point number.
struct Unlearned {
    var range: Range<Int>
    var bytes: ArraySlice<UInt8>
}

extension SafetensorsHeader {
    /// The tensors of the base that no rule computes, in a whole file.
    func unlearned(in base: [UInt8]) -> [Unlearned] {
        entries.filter { !$0.description.dtype.isFloatingPoint }.map {
            Unlearned(range: $0.byteRange, bytes: base[$0.byteRange])
        }
    }

    /// A file of this header with what no rule computes; `body` writes the rest in place.
    func file(
        _ headerBytes: [UInt8], unlearned: [Unlearned], _ body: (UnsafeMutableRawBufferPointer) -> Void
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            let output = UnsafeMutableRawBufferPointer(buffer)
            eclm_prefer_large_pages(output.baseAddress, output.count)
            output.copyBytes(from: headerBytes)
            for tensor in unlearned {
                UnsafeMutableRawBufferPointer(rebasing: output[tensor.range]).copyBytes(from: tensor.bytes)
            }
            body(output)
            count = byteCount
        }
    }
}
