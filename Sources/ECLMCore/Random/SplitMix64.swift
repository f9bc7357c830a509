#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A seeded generator: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Equal seeds give equal numbers on every machine.
///
/// Its own methods draw the same for good, unlike `shuffled(using:)` and `random(in:using:)`, whose way of drawing the
/// standard library may change. Not for secrets.
public struct SplitMix64: RandomNumberGenerator, Sendable, Hashable {
    private var state: UInt64

    /// A generator; equal seeds give equal numbers.
    public init(seed: UInt64) { state = seed }

    /// A generator for one purpose among many under one seed, such as a device and a step.
    ///
    /// - Parameters:
    ///   - seed: The seed of the whole.
    ///   - path: Which generator under that seed; other paths give unrelated numbers.
    public init(seed: UInt64, path: UInt64...) {
        state = seed
        for part in path { state = Self.mix(next() ^ part) }
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A number from 0 to just below 1, of 53 random bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A standard normal number (Box and Muller 1958); takes two draws.
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }

    /// A whole number from 0 to just below `bound`, which must be above 0; all are equally likely.
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "there is no number below \(bound)")
        // Lemire 2019: the upper half of a product, drawn again in the few cases that would favour some numbers.
        let range = UInt64(bound)
        let refused = (0 &- range) % range
        while true {
            let (high, low) = next().multipliedFullWidth(by: range)
            if low >= refused { return Int(high) }
        }
    }

    /// The elements in random order (Fisher and Yates).
    public mutating func shuffled<Element>(_ elements: some Sequence<Element>) -> [Element] {
        var result = Array(elements)
        for last in stride(from: result.count - 1, to: 0, by: -1) { result.swapAt(last, below(last + 1)) }
        return result
    }

    /// One of the elements; `nil` when there are none.
    public mutating func choice<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
