"""How Scripts/check-tours reads pages and compares what came with what they show."""

import tempfile
import unittest
from pathlib import Path

from script import load

script = load("check-tours")


def same(shown, came, tolerance=False):
    return script.matches(list(map(script.normal, shown)), list(map(script.normal, came)), tolerance)


class Comparing(unittest.TestCase):
    def test_figures_must_match(self):
        self.assertTrue(same(["blobs stored:   98 (86.7 MiB)"], ["blobs stored: 98 (86.7 MiB)"]))
        self.assertFalse(same(["blobs stored:   98 (86.7 MiB)"], ["blobs stored: 98 (86.8 MiB)"]))
        self.assertFalse(same(["release:  1"], ["release:  2"]))

    def test_lines_must_all_be_there(self):
        self.assertFalse(same(["one"], ["one", "two"]))
        self.assertFalse(same(["one", "two"], ["one"]))
        self.assertFalse(same(["one"], []))

    def test_an_ellipsis_stands_for_any_lines(self):
        self.assertTrue(same(["…", "two", "…"], ["one", "two"]))
        self.assertTrue(same(["one", "…", "four"], ["one", "two", "three", "four"]))
        self.assertFalse(same(["one", "…", "four"], ["one", "two"]))

    def test_times_hashes_and_traffic_may_differ(self):
        self.assertTrue(same(["committed 2026-11-23 16:24:16Z"], ["committed 2027-01-02 03:04:05Z"]))
        self.assertTrue(same(["head 15:" + "a1" * 32], ["head 15:" + "b2" * 32]))
        self.assertFalse(same(["head 15:" + "a1" * 32], ["head 16:" + "b2" * 32]))
        self.assertTrue(same(["3 modules; on the connection 868.6 KiB received"], ["3 modules; on the connection 9 B received"]))
        self.assertFalse(same(["3 modules; on the connection 868.6 KiB received"], ["4 modules; on the connection 868.6 KiB received"]))

    def test_what_was_trained_may_differ_a_little_and_nothing_else(self):
        self.assertTrue(same(["accuracy: 88.2 % -> 94.1 %"], ["accuracy: 86.0 % -> 94.3 %"], tolerance=True))
        self.assertFalse(same(["accuracy: 88.2 % -> 94.1 %"], ["accuracy: 50.0 % -> 94.1 %"], tolerance=True))
        self.assertFalse(same(["accuracy: 88.2 % -> 94.1 %"], ["accuracy: 86.0 % -> 94.3 %"]))
        self.assertFalse(same(["memory: 2.4 MiB"], ["memory: 2.5 MiB"], tolerance=True))
        self.assertFalse(same(["modules: 19"], ["modules: 18"], tolerance=True))


class Pages(unittest.TestCase):
    def test_commands_go_with_what_they_print_and_continue_behind_a_backslash(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            page.write_text(
                "# One\n```sh\n$ not this\n```\n## Two\n```console\n$ first \\\n    --flag\nout\n\n$ second\n```\n")
            tours = script.tours(page)
        self.assertEqual(list(tours), ["Two"])
        self.assertEqual([command.text for command in tours["Two"]], ["first \\\n    --flag", "second"])
        self.assertEqual(script.trimmed(tours["Two"][0].shown), ["out"])


class CommandLines(unittest.TestCase):
    def setUp(self):
        def flags(*names):
            return [{"names": [{"kind": "long", "name": name}]} for name in names]

        self.grammar = script.Grammar.__new__(script.Grammar)
        self.grammar.roots = {"tool": {"arguments": [], "subcommands": [
            {"commandName": "rounds", "arguments": [], "defaultSubcommand": "list", "subcommands": [
                {"commandName": "list", "arguments": flags("limit")},
                {"commandName": "run", "arguments": flags("wait")}]},
            {"commandName": "show", "arguments": flags("all"), "aliases": ["display"]}]}}

    def problem(self, line):
        return self.grammar.problem(line.split())

    def test_what_exists_is_right(self):
        for line in ["tool rounds MODEL --limit 5", "tool rounds run MODEL --wait 2m", "tool show --all", "tool display x"]:
            self.assertIsNone(self.problem(line), line)

    def test_what_does_not_exist_is_named(self):
        self.assertEqual(self.problem("tool rounds run MODEL --limit 5 --nothing"), "tool rounds run has no --nothing")
        self.assertEqual(self.problem("tool list"), "tool has no subcommand list")


if __name__ == "__main__":
    unittest.main()
