"""What becomes of an rpc that says less than it should, and of messages that drift apart."""
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HEAD = 'syntax = "proto2";\npackage eclm.v1;\nimport "options.proto";\n'
MESSAGES = "message ActRequest {}\nmessage ActResponse {}\n"


class ContractTests(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copy(ROOT / "proto/options.proto", self.folder)

    def compile(self, text):
        (self.folder / "new.proto").write_text(HEAD + text)
        subprocess.run(
            ["protoc", "--include_source_info", "--include_imports", "--descriptor_set_out=set", "options.proto",
             "new.proto"], cwd=self.folder, check=True, capture_output=True)

    def script(self, name, *arguments):
        return subprocess.run(
            ["/usr/bin/python3", ROOT / "Scripts" / name, self.folder / "set", *arguments], cwd=self.folder,
            capture_output=True, text=True)

    def generated(self, text):
        self.compile(text)
        done = self.script("generate-messages", "swift")
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.folder / "swift/New.swift").read_text()

    def test_an_rpc_without_options_has_the_defaults(self):
        text = self.generated(MESSAGES + "service NewService { rpc Act (ActRequest) returns (ActResponse); }")
        self.assertIn('service: name, name: "Act")', text)

    def test_options_become_arguments(self):
        text = self.generated(
            MESSAGES + "service NewService { rpc Act (ActRequest) returns (ActResponse) {"
            " option (repeatability) = IDEMPOTENT_WITH_KEY; option (role) = ROLE_DEVICE; option (role) = ROLE_OPERATOR;"
            " option (deadline_ms) = 1500; } }")
        self.assertIn(
            'name: "Act", repeatability: .idempotentWithKey, roles: [.device, .operator], deadline: .milliseconds(1500))',
            text)

    def test_an_rpc_without_options_is_no_line_of_the_table(self):
        self.compile(MESSAGES + "service NewService { rpc Act (ActRequest) returns (ActResponse); }")
        done = self.script("generate-method-table", "page.md")
        self.assertNotEqual(done.returncode, 0)
        for option in ("repeatability", "role", "deadline_ms"):
            self.assertIn(f"NewService.Act carries no option ({option})", done.stderr)

    def test_messages_are_not_shared(self):
        options = "{ option (repeatability) = IDEMPOTENT; option (role) = ROLE_READER; option (deadline_ms) = 1; }"
        self.compile(
            MESSAGES + "message Thing {}\nservice NewService { rpc Act (ActRequest) returns (ActResponse) " + options
            + " rpc Again (ActRequest) returns (Thing) " + options + " }")
        done = self.script("generate-method-table", "page.md")
        self.assertIn("NewService.Again shares ActRequest with", done.stderr)
        self.assertIn("NewService.Again: Thing is named like no response", done.stderr)

    def test_messages_with_the_same_fields_stay_so(self):
        self.compile(
            "message Thing { optional int32 a = 1; }\n"
            'message GetThingResponse { option (same_fields_as) = "Thing"; optional int32 a = 2; }\n')
        done = self.script("generate-messages", "swift")
        self.assertIn("GetThingResponse has other fields than Thing", done.stderr)


if __name__ == "__main__":
    unittest.main()
