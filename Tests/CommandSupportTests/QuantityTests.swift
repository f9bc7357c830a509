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

    @Test("Decimals have exactly the places asked for")
    func decimals() {
        #expect(Quantity.decimal(0.005, places: 2) == "0.01")
        #expect(Quantity.decimal(-0.001, places: 2) == "0.00")
        #expect(Quantity.decimal(-12.34, places: 1) == "-12.3")
        #expect(Quantity.decimal(99.999, places: 2) == "100.00")
        #expect(Quantity.decimal(.nan, places: 2) == "nan")
    }
}
