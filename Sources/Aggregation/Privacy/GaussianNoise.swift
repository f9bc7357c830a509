import Crypto
import ECLMCore
import Foundation
import Synchronization

/// Standard normal numbers for the weights of a module, which a secret seed determines bit for bit on every machine.
///
/// Bits are ChaCha20's under a key that HKDF-SHA256 derives from seed and module. Numbers come of them by Marsaglia's polar
/// method (Marsaglia and Bray, 1964) with additions, multiplications, divisions and square roots alone, all of which IEEE
/// 754 rounds in one way: the logarithm of a system's library may differ between machines.
package struct GaussianNoise: Sendable {
    /// Bytes of a seed.
    package static let seedByteCount = 32
    /// Coordinates of a tensor that have a stream of their own, so that stretches can be drawn in any order.
    static let stretch = MemorySum.stretch
    /// Bytes of a stream that are made at once, a multiple of 16.
    private static let portion = 1 << 14

    private let key: SymmetricKey

    /// The noise of one module in one round.
    ///
    /// - Parameters:
    ///   - seed: ``seedByteCount`` secret bytes of the round.
    ///   - module: A number that tells the module from the others of the round.
    package init(seed: [UInt8], module: Int64) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: seed), info: Data("eclm noise of module \(module)".utf8),
            outputByteCount: 32)
    }

    /// 256 bits of the system's generator.
    package static func newSeed() -> [UInt8] { SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) } }

    /// Adds `deviation` times the numbers of a stretch of a tensor to values.
    ///
    /// - Parameters:
    ///   - tensor: The tensor's number in the module's header.
    ///   - stretch: The number of the stretch in the tensor; `values` begins with its first coordinate.
    func add(
        to values: UnsafeMutableBufferPointer<Double>, tensor: Int, stretch: Int, deviation: Double
    ) throws {
        precondition(values.count <= Self.stretch, "a stretch has \(Self.stretch) coordinates")
        var (portion, position) = (0, 0)
        while position < values.count {
            try bits(tensor: tensor, stretch: stretch, portion: portion).withUnsafeBytes { bits in
                position = Self.add(bits, to: values, from: position, deviation)
            }
            portion += 1
        }
    }

    /// A portion of the stream of a stretch: what ChaCha20 makes of zeros is its key stream.
    private func bits(tensor: Int, stretch: Int, portion: Int) throws -> Data {
        var nonce: [UInt8] = []
        for number in [tensor, stretch, portion] {
            withUnsafeBytes(of: UInt32(number).littleEndian) { nonce += $0 }
        }
        return try ChaChaPoly.seal(
            Data(count: Self.portion), using: key, nonce: ChaChaPoly.Nonce(data: nonce)
        ).ciphertext
    }

    /// Adds pairs of numbers until the bits or the values are used up.
    ///
    /// - Returns: How many values have their number.
    private static func add(
        _ bits: UnsafeRawBufferPointer, to values: UnsafeMutableBufferPointer<Double>, from first: Int,
        _ deviation: Double
    ) -> Int {
        var position = first
        var offset = 0
        while position < values.count, offset < bits.count {
            let (x, y) = (uniform(bits, offset), uniform(bits, offset &+ 8))
            offset &+= 16
            let square = x * x + y * y
            guard square < 1 else { continue }
            let factor = (-2 * logarithm(square) / square).squareRoot()
            values[position] += deviation * (x * factor)
            position &+= 1
            guard position < values.count else { break }
            values[position] += deviation * (y * factor)
            position &+= 1
        }
        return position
    }

    /// One of the 2^53 numbers (k + 1/2) / 2^52 between -1 and 1.
    @inline(__always)
    private static func uniform(_ bits: UnsafeRawBufferPointer, _ offset: Int) -> Double {
        let word = UInt64(littleEndian: bits.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        return (Double(Int64(bitPattern: word) >> 11) + 0.5) * 0x1p-52
    }

    /// The natural logarithm of a normal number above 0: 2 artanh((m - 1) / (m + 1)) for a mantissa m between √½ and √2.
    static func logarithm(_ value: Double) -> Double {
        var exponent = Double(value.exponent)
        var mantissa = value.significand
        if mantissa > 1.4142135623730951 {
            mantissa *= 0.5
            exponent += 1
        }
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        // Σ square^k / (2k + 1): square is below 0.0295, so that twelve terms reach beyond double precision.
        var sum = 1.0 / 23
        var divisor = 21.0
        while divisor >= 1 {
            sum = sum * square + 1 / divisor
            divisor -= 2
        }
        return exponent * 0.6931471805599453 + 2 * ratio * sum
    }
}

/// A module's noise of some standard deviation.
package struct ModuleNoise: Sendable {
    let noise: GaussianNoise
    let deviation: Double

    package init(noise: GaussianNoise, deviation: Double) {
        self.noise = noise
        self.deviation = deviation
    }

    /// Adds it to sums of all learned tensors of a module, in the order of the header.
    func add(to sums: inout [Double], _ header: SafetensorsHeader, on cores: Int) throws {
        try sums.withUnsafeMutableBufferPointer { sums in
            var start = 0
            for (tensor, entry) in header.entries.enumerated() where entry.description.dtype.isFloatingPoint {
                let count = entry.description.elementCount ?? 0
                try add(
                    to: UnsafeMutableBufferPointer(rebasing: sums[start..<(start + count)]), tensor: tensor, from: 0,
                    on: cores)
                start += count
            }
        }
    }

    /// Adds it to sums of some coordinates of a tensor.
    ///
    /// - Parameter first: The number of the first coordinate, with which a stretch begins.
    func add(to sums: UnsafeMutableBufferPointer<Double>, tensor: Int, from first: Int, on cores: Int) throws {
        let stretch = GaussianNoise.stretch
        precondition(first % stretch == 0, "coordinate \(first) is not the first of a stretch")
        guard let base = sums.baseAddress else { return }
        let count = sums.count
        // Safe to share: jobs do not overlap.
        nonisolated(unsafe) let target = base
        let failure = Failure()
        Parallel.perform((count + stretch - 1) / stretch, on: cores) { number in
            let start = number * stretch
            failure.record {
                try noise.add(
                    to: UnsafeMutableBufferPointer(start: target + start, count: min(stretch, count - start)),
                    tensor: tensor, stretch: first / stretch + number, deviation: deviation)
            }
        }
        try failure.check()
    }
}

/// The first error of jobs that run side by side: without its noise nothing may be released.
private final class Failure: Sendable {
    private let error = Mutex<(any Error)?>(nil)

    func record(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            self.error.withLock { $0 = error }
        }
    }

    func check() throws {
        if let error = error.withLock({ $0 }) { throw error }
    }
}
