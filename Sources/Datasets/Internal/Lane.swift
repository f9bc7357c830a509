/// Indices of examples in a ring that devices share, and a device's place in it.
struct Lane: Sendable {
    let ring: [Int]
    /// Where the device's first room begins; may be negative. A room is for two batches of examples.
    let start: Int

    /// Some indices, going around the ring.
    ///
    /// - Parameters:
    ///   - first: Where they begin within a room.
    ///   - count: How many, at most as many as the ring has.
    ///   - turns: How many rooms lie before that one.
    ///   - room: The length of a room.
    func indices(from first: Int, count: Int, turns: UInt, room: Int) -> [Int] {
        guard count > 0 else { return [] }
        let length = ring.count
        // Reduced before the product, which then cannot overflow at any step.
        let before = Int(turns % UInt(length)) * (room % length)
        let begin = ((start + before + first) % length + length) % length
        return (0..<count).map { ring[(begin + $0) % length] }
    }
}
