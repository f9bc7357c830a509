import Testing

@testable import CommandSupport

@Suite("Tables")
struct TableTests {
    private func table() -> Table {
        var table = Table(["module", .number("size"), "state"])
        table.add(["l0.m00", "512 B", "held"])
        table.add(["l10.bypass0", "11.7 MiB", "missing"])
        return table
    }

    @Test("Columns line up, numbers end together, and lines end without spaces")
    func aligned() {
        #expect(
            table().rendered() == """
                MODULE           SIZE  STATE
                l0.m00          512 B  held
                l10.bypass0  11.7 MiB  missing

                """)
    }

    @Test("No line is wider than the terminal", arguments: 1...40)
    func fits(width: Int) {
        let lines = table().rendered(width: width).split(separator: "\n")
        #expect(lines.allSatisfy { String($0).columns <= width })
        #expect(!lines.isEmpty)
    }

    @Test("Too narrow a terminal gets a block of lines for each row")
    func stacked() {
        #expect(table().rendered(width: 18).hasPrefix("module: l0.m00\nsize: 512 B\nstate: held\n\n"))
    }

    @Test("What a terminal would act on is written out")
    func escapes() {
        var table = Table(["name"])
        table.add(["a\u{1B}[31mb\nc\u{202E}"])
        #expect(table.rendered() == "NAME\na\\u{1B}[31mb c\\u{202E}\n")
    }

    @Test("Wide characters count two columns")
    func wide() {
        var table = Table(["n", "x"])
        table.add(["模型", "1"])
        table.add(["ab", "2"])
        #expect(table.rendered() == "N     X\n模型  1\nab    2\n")
    }

    @Test("Fields without a value are left out, values begin in one column")
    func fields() {
        var fields = FieldList()
        fields.add("device", "cam")
        fields.add("round", nil as Int?)
        fields.add("id", 7)
        #expect(fields.rendered() == "device:  cam\nid:      7\n")
    }
}
