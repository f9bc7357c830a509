#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Features of a window of motion, for networks that take vectors.
///
/// There are eight signals: the six channels, and the magnitudes of acceleration and of rotation. Each gives its mean,
/// deviation, least and largest value, and the logarithms of its spectrum's 65 magnitudes; the spectrum is of the
/// signal less its mean, under a Hann window. Magnitudes do not depend on how the phone lies.
struct HarFeatures {
    /// Features of one window: 8 signals times (4 + 65).
    static let count = signals * perSignal
    private static let signals = 8
    private static let perSignal = 4 + length / 2 + 1
    private static let length = HarFile.windowLength
    /// Added to magnitudes before the logarithm: about the sensors' noise, below which there is nothing to tell apart.
    private static let floor: Float = 0.01

    private let hann: [Float]
    private let cosines: [Float]
    private let sines: [Float]
    private let reversed: [Int]

    init() {
        let length = Self.length
        hann = (0..<length).map { Float(0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(length))) }
        cosines = (0..<length / 2).map { Float(cos(2 * Double.pi * Double($0) / Double(length))) }
        sines = (0..<length / 2).map { Float(-sin(2 * Double.pi * Double($0) / Double(length))) }
        let bits = length.trailingZeroBitCount
        reversed = (0..<length).map { index in
            (0..<bits).reduce(0) { $0 | ((index >> $1) & 1) << (bits - 1 - $1) }
        }
    }

    /// The features of windows, [n, 552].
    ///
    /// - Parameter windows: [n, 128, 6], row-major.
    func extract(_ windows: [Float]) -> [Float] {
        let (length, channels) = (Self.length, HarFile.channels)
        let count = windows.count / (length * channels)
        var scratch = [Float](repeating: 0, count: (Self.signals + 2) * length)
        return [Float](unsafeUninitializedCapacity: count * Self.count) { buffer, initialized in
            initialized = count * Self.count
            guard let output = buffer.baseAddress else { return }
            windows.withUnsafeBufferPointer { windows in
                scratch.withUnsafeMutableBufferPointer { scratch in
                    for window in 0..<count {
                        let input = windows.baseAddress! + window * length * channels
                        let target = output + window * Self.count
                        let signals = scratch.baseAddress!
                        split(input, into: signals)
                        let real = signals + Self.signals * length
                        for pair in 0..<Self.signals / 2 {
                            let first = 2 * pair
                            summarise(signals + first * length, into: target + first * Self.perSignal, taper: real)
                            summarise(
                                signals + (first + 1) * length, into: target + (first + 1) * Self.perSignal,
                                taper: real + length)
                            transform(real, real + length)
                            spectra(
                                real, real + length, into: target + first * Self.perSignal + 4,
                                target + (first + 1) * Self.perSignal + 4)
                        }
                    }
                }
            }
        }
    }

    /// Signals one behind the other: six channels, then two magnitudes.
    @inline(__always)
    private func split(_ input: UnsafePointer<Float>, into signals: UnsafeMutablePointer<Float>) {
        let length = Self.length
        var time = 0
        while time < length {
            let sample = input + time * HarFile.channels
            let (ax, ay, az, gx, gy, gz) = (sample[0], sample[1], sample[2], sample[3], sample[4], sample[5])
            signals[time] = ax
            signals[length + time] = ay
            signals[2 * length + time] = az
            signals[3 * length + time] = gx
            signals[4 * length + time] = gy
            signals[5 * length + time] = gz
            signals[6 * length + time] = (ax * ax + ay * ay + az * az).squareRoot()
            signals[7 * length + time] = (gx * gx + gy * gy + gz * gz).squareRoot()
            time &+= 1
        }
    }

    /// Writes mean, deviation, least and largest value, and the signal less its mean under the window.
    @inline(__always)
    private func summarise(
        _ signal: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, taper: UnsafeMutablePointer<Float>
    ) {
        let length = Self.length
        var (sum, least, largest) = (Float(0), signal[0], signal[0])
        var time = 0
        while time < length {
            let value = signal[time]
            sum += value
            if value < least { least = value }
            if value > largest { largest = value }
            time &+= 1
        }
        let mean = sum / Float(length)
        var squares: Float = 0
        hann.withUnsafeBufferPointer { hann in
            time = 0
            while time < length {
                let value = signal[time] - mean
                squares += value * value
                taper[time] = value * hann[time]
                time &+= 1
            }
        }
        target[0] = mean
        target[1] = (squares / Float(length)).squareRoot()
        target[2] = least
        target[3] = largest
    }

    /// The discrete Fourier transform in place, radix 2.
    @inline(__always)
    private func transform(_ real: UnsafeMutablePointer<Float>, _ imaginary: UnsafeMutablePointer<Float>) {
        let length = Self.length
        reversed.withUnsafeBufferPointer { reversed in
            var index = 0
            while index < length {
                let other = reversed[index]
                if index < other {
                    (real[index], real[other]) = (real[other], real[index])
                    (imaginary[index], imaginary[other]) = (imaginary[other], imaginary[index])
                }
                index &+= 1
            }
        }
        cosines.withUnsafeBufferPointer { cosines in
            sines.withUnsafeBufferPointer { sines in
                var half = 1
                while half < length {
                    let stride = length / (2 * half)
                    var offset = 0
                    while offset < half {
                        let (cosine, sine) = (cosines[offset * stride], sines[offset * stride])
                        var top = offset
                        while top < length {
                            let bottom = top + half
                            let turnedReal = real[bottom] * cosine - imaginary[bottom] * sine
                            let turnedImaginary = real[bottom] * sine + imaginary[bottom] * cosine
                            real[bottom] = real[top] - turnedReal
                            imaginary[bottom] = imaginary[top] - turnedImaginary
                            real[top] += turnedReal
                            imaginary[top] += turnedImaginary
                            top &+= 2 * half
                        }
                        offset &+= 1
                    }
                    half *= 2
                }
            }
        }
    }

    /// Two real signals' log-magnitudes from the transform of one plus i times the other.
    @inline(__always)
    private func spectra(
        _ real: UnsafePointer<Float>, _ imaginary: UnsafePointer<Float>, into first: UnsafeMutablePointer<Float>,
        _ second: UnsafeMutablePointer<Float>
    ) {
        let length = Self.length
        var bin = 0
        while bin <= length / 2 {
            let mirror = (length - bin) % length
            let evenReal = (real[bin] + real[mirror]) / 2
            let evenImaginary = (imaginary[bin] - imaginary[mirror]) / 2
            let oddReal = (imaginary[bin] + imaginary[mirror]) / 2
            let oddImaginary = (real[mirror] - real[bin]) / 2
            first[bin] = log((evenReal * evenReal + evenImaginary * evenImaginary).squareRoot() + Self.floor)
            second[bin] = log((oddReal * oddReal + oddImaginary * oddImaginary).squareRoot() + Self.floor)
            bin &+= 1
        }
    }
}
