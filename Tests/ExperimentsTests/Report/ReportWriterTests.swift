import Experiments
import Foundation
import Testing

@Suite("Reports")
struct ReportWriterTests {
    private func text(_ folder: String, _ file: String) throws -> String {
        try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
    }

    /// The files that a page shows or links to.
    private func links(_ page: String) -> [String] {
        page.split(separator: "](").dropFirst().compactMap { $0.split(separator: ")").first.map(String.init) }
    }

    @Test("A page shows pictures that are there and are well-formed SVG")
    func files() throws {
        try ReportFixture.withFolder { folder in
            for files in [
                try ReportWriter.write(ReportFixture.experiment, to: folder + "/new"),
                try ReportWriter.write(ReportFixture.prototype, to: folder + "/new"),
            ] {
                // No closure inside a macro beside others: Swift 6.3 takes the one for the other.
                let page = files.first { $0.hasSuffix(".md") }
                let links = links(try text(folder + "/new", try #require(page)))
                #expect(Set(links).isSubset(of: files))
                let pictures = files.filter { $0.hasSuffix(".svg") }
                #expect(pictures.count > 3)
                #expect(Set(pictures).isSubset(of: links))
                for picture in pictures {
                    let reading = XMLReading(try text(folder + "/new", picture))
                    #expect(reading.problem == nil, "\(picture)")
                    #expect(reading.names.first == "svg" && reading.names.count > 20)
                }
            }
        }
    }

    @Test("The same results give the same files, and so does what was written")
    func reproducible() throws {
        try ReportFixture.withFolder { folder in
            let files = try ReportWriter.write(ReportFixture.experiment, to: folder + "/a")
            let again = try ResultsFile.readExperiment(folder + "/a/images.json")
            #expect(try ReportWriter.write(again, to: folder + "/b") == files)
            for file in files { #expect(try text(folder + "/a", file) == text(folder + "/b", file), "\(file)") }
        }
    }

    @Test("The page has the command, every method, and the targets")
    func page() throws {
        try ReportFixture.withFolder { folder in
            try ReportWriter.write(ReportFixture.experiment, to: folder)
            let page = try text(folder, "images.md")
            #expect(page.contains("    eclm experiment images --preset quick --seeds 1,2,3\n"))
            for method in ReportFixture.row().methods {
                #expect(page.contains("| \(method.method) | \(method.title) |"))
            }
            #expect(
                page.contains("| ours is first against NA, LA, AN, FA, HFL and FA+FT | images, 2 classes a device |"))
            #expect(page.contains("int8_delta"))
            #expect(page.split(separator: "\n").filter { $0.hasPrefix("## ") }.count >= 7)
        }
    }

    @Test("A row without runs, and one method alone, still make a page")
    func sparse() throws {
        try ReportFixture.withFolder { folder in
            var results = ReportFixture.experiment
            results.rows[0].methods = []
            results.rows[0].fullModel = nil
            results.rows[1].methods = [results.rows[1].methods[1]]
            results.ability = []
            results.caps = []
            results.continuous = []
            let files = try ReportWriter.write(results, to: folder)
            #expect(files.contains("images-images-5-classes-a-device-size.svg"))
            #expect(try text(folder, "images.md").contains("not measured"))
        }
    }

    @Test("Findings that people wrote are kept when the experiment runs again")
    func findings() throws {
        try ReportFixture.withFolder { folder in
            try "\nThe cause is *known*.\n\n".write(
                toFile: folder + "/images-findings.md", atomically: true, encoding: .utf8)
            try ReportWriter.write(ReportFixture.experiment, to: folder)
            try ReportWriter.write(ReportFixture.experiment, to: folder)
            #expect(try text(folder, "images.md").contains("## Findings\n\nThe cause is *known*.\n"))
            #expect(try text(folder, "images-findings.md") == "\nThe cause is *known*.\n\n")
        }
    }

    @Test("Pictures of rows that are no more are removed, and nobody else's")
    func stalePictures() throws {
        try ReportFixture.withFolder { folder in
            try ReportWriter.write(ReportFixture.experiment, to: folder)
            try "mine".write(toFile: folder + "/images-mine.svg", atomically: true, encoding: .utf8)
            var results = ReportFixture.experiment
            results.rows.removeLast()
            let files = try ReportWriter.write(results, to: folder)
            let there = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(there.sorted() == (files + ["images-mine.svg"]).sorted())
        }
    }

    @Test("The overview has the rows of all experiments and checks the targets over them")
    func overview() throws {
        try ReportFixture.withFolder { folder in
            var other = ReportFixture.experiment
            other.experiment = "har"
            other.rows = [ReportFixture.row("har, one user a device", skew: .feature)]
            other.caps = []
            try ReportWriter.writeOverview(of: [ReportFixture.experiment, other], to: folder)
            let page = try text(folder, "README.md")
            #expect(page.contains("(images.md)") && page.contains("(har.md)"))
            #expect(page.contains("har, one user a device (n = 3)"))
            #expect(page.contains("| 3 rows |"))
        }
    }

    @Test("A folder that cannot be made is an error that says so")
    func unwritable() {
        #expect {
            try ReportWriter.write(ReportFixture.experiment, to: "/dev/null/reports")
        } throws: {
            ($0 as? ExperimentError)?.code == .output
        }
    }
}
