import ECLMCore

/// Random first weights, the same for the same seed and name on every machine.
struct Initialization {
    let seed: UInt64

    /// Values of a normal distribution with the given deviation. Each name has a stream of its own, so that a module's
    /// first weights do not depend on which others there are.
    func normal(_ name: String, count: Int, deviation: Double) -> [Float] {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var generator = SplitMix64(seed: seed ^ hash)
        return (0..<count).map { _ in Float(generator.normal() * deviation) }
    }
}
