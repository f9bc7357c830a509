import ECLMCore
import Testing

@Suite("The seeded generator")
struct SplitMix64Tests {
    @Test("gives the published numbers")
    func reference() {
        // The outputs for the seed 1234567 in several public implementations.
        var generator = SplitMix64(seed: 1_234_567)
        let numbers = (0..<5).map { _ in generator.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }

    @Test("draws what is asked for")
    func draws() {
        var generator = SplitMix64(seed: 7)
        let uniform = (0..<20_000).map { _ in generator.uniform() }
        #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(uniform.reduce(0, +) / 20_000 - 0.5) < 0.01)
        let normal = (0..<20_000).map { _ in generator.normal() }
        #expect(abs(normal.reduce(0, +) / 20_000) < 0.03)
        #expect(abs(normal.map { $0 * $0 }.reduce(0, +) / 20_000 - 1) < 0.05)
        var counts = [Int](repeating: 0, count: 3)
        for _ in 0..<30_000 { counts[generator.below(3)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
        let shuffled = generator.shuffled(0..<100)
        #expect(shuffled != Array(0..<100) && shuffled.sorted() == Array(0..<100))
        #expect([4, 5].contains(generator.choice([4, 5]) ?? 0))
        #expect(generator.choice([Int]()) == nil)
        #expect(generator.shuffled([Int]()).isEmpty)
    }

    @Test("keeps purposes under one seed apart")
    func paths() {
        var numbers: Set<UInt64> = []
        for seed in 0..<10 as Range<UInt64> {
            for first in 0..<10 as Range<UInt64> {
                for second in 0..<10 as Range<UInt64> {
                    var generator = SplitMix64(seed: seed, path: first, second)
                    numbers.insert(generator.next())
                }
            }
        }
        #expect(numbers.count == 1000)
        var (one, same) = (SplitMix64(seed: 5, path: 1, 2), SplitMix64(seed: 5, path: 1, 2))
        #expect(one.next() == same.next())
    }
}
