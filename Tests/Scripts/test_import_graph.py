"""What Scripts/import-graph reads as an import."""

import unittest

from script import load

imports_of_source = load("import-graph").imports_of_source


class ImportsOfSource(unittest.TestCase):
    def test_takes_every_form_of_an_import(self):
        source = """
            import Alone
            public import Public
            package import Package
            internal import Internal
            fileprivate import FilePrivate
            private import Private
            @testable import Tested
            @_exported public import Exported
            @_spi(Inner) import Inner
            import struct Kinds.Thing
            import Deep.Submodule
            """
        self.assertEqual(
            imports_of_source(source),
            {"Alone", "Public", "Package", "Internal", "FilePrivate", "Private", "Tested", "Exported", "Inner", "Kinds",
             "Deep"})

    def test_passes_over_comments_and_strings(self):
        source = '''
            // import Line
            /* import Block
            import Lines */
            let text = """
                import Text
                """
            let raw = #"""
            import Raw
            """#
            let word = "import Word"
            important()
            '''
        self.assertEqual(imports_of_source(source), set())

    def test_takes_a_branch_under_a_name_only_where_the_name_is_defined(self):
        source = """
            #if ECLM_LEARNING
                import Learning
                #if canImport(Glibc)
                    import Glibc
                #else
                    import Musl
                #endif
            #else
                import Nothing
            #endif
            import After
            """
        self.assertEqual(imports_of_source(source, {"ECLM_LEARNING"}), {"Learning", "Glibc", "Musl", "After"})
        self.assertEqual(imports_of_source(source, set()), {"Nothing", "After"})
        self.assertEqual(imports_of_source(source), {"Learning", "Glibc", "Musl", "Nothing", "After"})

    def test_takes_every_branch_under_other_conditions(self):
        source = """
            #if canImport(FoundationEssentials)
                import FoundationEssentials
            #elseif os(Linux)
                import Foundation
            #else
                import Darwin
            #endif
            """
        self.assertEqual(imports_of_source(source, set()), {"FoundationEssentials", "Foundation", "Darwin"})


if __name__ == "__main__":
    unittest.main()
