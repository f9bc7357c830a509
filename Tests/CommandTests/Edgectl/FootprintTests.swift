#if os(Linux)
    import Foundation
    import PythonReference
    import TestSupport
    import Testing

    @Suite("edgectl is light")
    struct FootprintTests {
        @Test("it links fewer than 30 shared libraries, and neither libtorch nor libpq")
        func libraries() async throws {
            // The dynamic linker lists what it would load, and runs nothing.
            let listing = try await Program("edgectl", [], environment: ["LD_TRACE_LOADED_OBJECTS": "1"]).finish()
            let libraries = listing.output.split(separator: "\n").compactMap { line in
                line.split(whereSeparator: \.isWhitespace).first.map(String.init)
            }
            #expect(libraries.contains { $0.hasPrefix("libprotobuf-c") }, "\(listing.output) \(listing.errors)")
            #expect(libraries.count < 30, "\(libraries)")
            let heavy = ["libtorch", "libc10", "libpq", "libopenblas", "libglpk", "lib_FoundationICU"]
            #expect(!libraries.contains { library in heavy.contains(where: library.hasPrefix) }, "\(libraries)")
        }

        @Test("it starts in less than 40 MB")
        func memory() throws {
            // wait4 tells a child's peak in KiB, of its time before exec as well: the parent must be small.
            let script = """
                import resource, subprocess, sys
                subprocess.run([sys.argv[1], "--version"], stdout=subprocess.DEVNULL, check=True)
                print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
                """
            let peak = try PythonReference.run(script, Program.path("edgectl"))
            let kibibytes = try #require(Int(peak.trimmingCharacters(in: .whitespacesAndNewlines)), "\(peak)")
            #expect(kibibytes * 1024 < 40_000_000)
        }
    }
#endif
