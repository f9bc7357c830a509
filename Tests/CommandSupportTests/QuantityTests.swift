import ECLMCore
import Testing

@testable import CommandSupport

@Suite("Quantities of people")
struct QuantityTests {
    @Test(
        "Sizes are read with binary and decimal units",
        arguments: [
            ("0", 0), ("512", 512), ("512B", 512), ("1KiB", 1024), ("1k", 1024), ("2 MiB", 2 << 20),
            ("1.5GiB", 3 << 29),
            ("1MB", 1_000_000), ("12mib", 12 << 20), ("9223372036854775807", Int64.max),
        ] as [(String, Int64)])
    func readsSizes(text: String, bytes: Int64) {
        #expect(ByteSize(text)?.bytes == bytes)
    }

    @Test(
        "What is no size is refused",
        arguments: [
            "", "MiB", "-1", "+1", "1e9", "1XB", "1.2.3MiB", "0x10", "9223372036854775808", "9000000TiB", "nan", "１",
        ])
    func refusesSizes(text: String) {
        #expect(ByteSize(text) == nil)
    }

    @Test(
        "Sizes are shown in the largest unit that fits",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (12_268_339, "11.7 MiB"), (1_048_575, "1.0 MiB"),
            (Int64.max, "8192.0 PiB"),
        ] as [(Int64, String)])
    func showsSizes(bytes: Int64, text: String) {
        #expect(ByteSize(bytes).description == text)
    }

    @Test("Operations count in powers of 1000")
    func operations() {
        #expect(OperationCount("1.5GFLOPs")?.operations == 1_500_000_000)
        #expect(OperationCount("250m")?.operations == 250_000_000)
        #expect(OperationCount("12KiB") == nil)
        #expect(OperationCount(1_234_567).description == "1.2M")
        #expect(OperationCount(999).description == "999")
    }

    @Test(
        "Instants are RFC 3339",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (1_767_225_600_123_456, "2026-01-01T00:00:00.123456Z"),
        ] as [(Int64, String)])
    func instants(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
    }

    @Test(
        "Instants are read as RFC 3339 writes them",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("2000-02-29", 951_782_400_000_000),
            ("2026-01-01T00:00:00.123456Z", 1_767_225_600_123_456),
            ("2026-01-01T00:00:00.1234567Z", 1_767_225_600_123_456),
            ("2026-01-01t01:30:00+01:30", 1_767_225_600_000_000), ("2025-12-31T19:00:00-05:00", 1_767_225_600_000_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000), ("1969-12-31T23:59:59.5Z", -500_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000), ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
        ] as [(String, Int64)])
    func parsing(text: String, microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
    }

    @Test("Every instant that is shown is read as the same")
    func instantsRoundTrip() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<2000 {
            let time = Timestamp(
                microseconds: .random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &generator))
            #expect(Timestamp(rfc3339: time.description) == time)
        }
    }

    @Test(
        "Instants that no calendar or clock has are refused",
        arguments: [
            "2026-02-30T00:00:00Z", "2026-02-29", "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00",
            "2026-01-32", "0000-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
            "2026-01-01T23:59:61Z", "2026-01-01T00:00:00", "2026-01-01T00:00Z", "2026-01-01 00:00:00Z", "2026-1-1",
            "26-01-01", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00Zx", "294277-01-01T00:00:00Z", "infinity", "-infinity", "now", "", "-1",
            "٢٠٢٦-01-01", "2026-01-01T",
        ])
    func impossible(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("Numbers are decimal")
    func numbers() {
        #expect(Quantity.number("1.5e-3") == 0.0015)
        #expect(Quantity.number("-0") == 0)
        for text in ["0x10", "inf", "nan", "", " 1", "1 ", "1e400", "١", "1_0", "infinity", "0x1p3"] {
            #expect(Quantity.number(text) == nil, "\(text)")
        }
    }

    @Test("Decimals have exactly the places asked for")
    func decimals() {
        #expect(Quantity.decimal(0.005, places: 2) == "0.01")
        #expect(Quantity.decimal(-0.001, places: 2) == "0.00")
        #expect(Quantity.decimal(-12.34, places: 1) == "-12.3")
        #expect(Quantity.decimal(99.999, places: 2) == "100.00")
        #expect(Quantity.decimal(.nan, places: 2) == "nan")
    }
}
