extension UnsafeRawBufferPointer {
    /// Elements in a block: small enough to stay in the nearest cache, large enough to amortise the call.
    static var blockElements: Int { 4096 }

    /// Calls `body` with block after block of whole elements until it returns a position in the block, and returns that
    /// position in the buffer.
    ///
    /// Blocks are aligned as `Element` needs; where the buffer is not, they pass through an aligned copy.
    @inline(__always)
    func firstBlock<Element: FixedWidthInteger & BitwiseCopyable>(
        of _: Element.Type, where body: (UnsafePointer<Element>, Int) -> Int?
    ) -> Int? {
        let total = count / MemoryLayout<Element>.stride
        guard total > 0, let base = baseAddress else { return nil }
        var start = 0
        if Int(bitPattern: base) % MemoryLayout<Element>.alignment == 0 {
            let values = base.assumingMemoryBound(to: Element.self)
            while start < total {
                let length = Swift.min(Self.blockElements, total - start)
                if let position = body(values + start, length) { return start + position }
                start += length
            }
            return nil
        }
        return withUnsafeTemporaryAllocation(of: Element.self, capacity: Self.blockElements) { scratch in
            guard let aligned = scratch.baseAddress else { return nil }
            while start < total {
                let length = Swift.min(Self.blockElements, total - start)
                UnsafeMutableRawPointer(aligned).copyMemory(
                    from: base + start * MemoryLayout<Element>.stride,
                    byteCount: length * MemoryLayout<Element>.stride)
                if let position = body(aligned, length) { return start + position }
                start += length
            }
            return nil
        }
    }

    /// Calls `body` with every block in turn: the block, its length and its position in the buffer.
    @inline(__always)
    func forEachBlock<Element: FixedWidthInteger & BitwiseCopyable>(
        of _: Element.Type, _ body: (UnsafePointer<Element>, Int, Int) -> Void
    ) {
        var start = 0
        _ = firstBlock(of: Element.self) { values, length in
            body(values, length, start)
            start += length
            return nil
        }
    }
}
