"""The conversion of the data sets, without any download: python -m unittest discover -s Tests/Data

Needs numpy and the reference safetensors package (Scripts/python-env).
"""

import gzip
import io
import os
import pickle
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy
import safetensors.numpy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Scripts/datasets"))

import convert  # noqa: E402
import frames  # noqa: E402


# Pickles are put together from opcodes, so that the names in them need not exist here.

def named(module, name):
    return f"c{module}\n{name}\n".encode()


def number(value):
    return f"I{value}\n".encode()


def text(value):
    content = value.encode()
    return b"X" + len(content).to_bytes(4, "little") + content


def tuple_of(*parts):
    return b"(" + b"".join(parts) + b"t"


def list_of(*parts):
    return b"(" + b"".join(parts) + b"l"


def dict_of(**parts):
    return b"(" + b"".join(text(name) + part for name, part in parts.items()) + b"d"


def call(function, *arguments):
    return function + tuple_of(*arguments) + b"R"


NONE, FALSE = b"N", b"I00\n"


def bytes_of(content):
    return call(named("_codecs", "encode"), text(content.decode("latin1")), text("latin1"))


def dtype(code, order="<"):
    made = call(named("numpy", "dtype"), text(code), number(0), number(1))
    return made + tuple_of(number(3), text(order), NONE, NONE, NONE, number(-1), number(-1), number(0)) + b"b"


def array(shape, kind, content):
    made = call(named("numpy.core.multiarray", "_reconstruct"), named("numpy", "ndarray"), tuple_of(number(0)),
                bytes_of(b"b"))
    return made + tuple_of(number(1), tuple_of(*map(number, shape)), kind, FALSE, content) + b"b"


def numbers(values, kind="<f8"):
    values = numpy.asarray(values, dtype=kind)
    return array(values.shape, dtype(kind[1:]), bytes_of(values.tobytes()))


def made(module, name):
    return call(named("copy_reg", "_reconstructor"), named(module, name), named("__builtin__", "object"), NONE)


def frame(names, rows, blocks):
    """The pickle of a frame whose blocks are (values, first, end, step)."""
    index = call(named("pandas.core.indexes.base", "_new_Index"), named("pandas.core.indexes.base", "Index"),
                 dict_of(data=array([len(names)], dtype("O8", "|"), list_of(*map(text, names))), name=NONE))
    counted = call(named("pandas.core.indexes.base", "_new_Index"), named("pandas.core.indexes.range", "RangeIndex"),
                   dict_of(name=NONE, start=number(0), stop=number(rows), step=number(1)))
    content = b"(" + text("0.14.1") + dict_of(axes=list_of(index, counted), blocks=list_of(*(
        dict_of(values=values, mgr_locs=call(named("__builtin__", "slice"), *map(number, places)))
        for values, *places in blocks))) + b"d"
    manager = made("pandas.core.internals.managers", "BlockManager")
    manager += tuple_of(list_of(), list_of(), list_of(), content) + b"b"
    return made("pandas.core.frame", "DataFrame") + dict_of(_data=manager) + b"b"


class FramesTests(unittest.TestCase):
    def assertRefused(self, content, reason):
        with self.assertRaises(frames.Refused) as caught:
            frames.load(content)
        self.assertIn(reason, str(caught.exception))

    def test_a_frame_is_read_with_its_columns_in_order(self):
        content = frame(["a", "n", "b"], 4, [
            (numbers([[0, 1, 2, 3], [4, 5, 6, 7.5]]), 0, 4, 2), (numbers([[-1, 0, 1, 2]], "<i8"), 1, 2, 1)])
        read = frames.load(b"(" + number(7) + list_of(content) + b"d.")
        columns = read[7][0].columns
        self.assertEqual(list(columns), ["a", "n", "b"])
        self.assertEqual(columns["a"].tolist(), [0, 1, 2, 3])
        self.assertEqual(columns["b"].tolist(), [4, 5, 6, 7.5])
        self.assertEqual(columns["n"].dtype, numpy.int64)

    def test_a_pickle_that_runs_a_command_is_refused_before_it_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            marker = os.path.join(folder, "ran")

            class Malicious:
                def __reduce__(self):
                    return os.system, (f"touch {marker}",)

            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                content = pickle.dumps({1: [Malicious()]}, protocol)
                self.assertRefused(content, f"the name {os.system.__module__}.system")
                self.assertFalse(os.path.exists(marker))
            pickle.loads(content)
            self.assertTrue(os.path.exists(marker), "the pickle was not malicious")

    def test_names_that_lead_to_code_are_refused(self):
        for module, name in [
            ("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("__builtin__", "eval"),
            ("__builtin__", "getattr"), ("builtins", "__import__"), ("copyreg", "_reconstructor"),
            ("numpy", "load"), ("numpy.core.multiarray", "scalar"), ("numpy.f2py.crackfortran", "myeval"),
            ("pandas", "read_pickle"), ("pandas.core.frame", "eval"), ("_codecs", "lookup"), ("frames", "Name"),
        ]:
            with self.subTest(f"{module}.{name}"):
                self.assertRefused(named(module, name) + b".", f"the name {module}.{name}")

    def test_a_path_through_an_allowed_name_is_refused(self):
        path = text("pandas.core.frame") + text("DataFrame.__init__.__globals__")
        self.assertRefused(b"\x80\x04" + path + b"\x93.", "the name pandas.core.frame.DataFrame.__init__")

    def test_allowed_names_cannot_be_changed_or_misused(self):
        table, plain = named("pandas.core.frame", "DataFrame"), named("__builtin__", "object")
        self.assertRefused(table + dict_of(function=plain) + b"b.", "a state for an allowed name")
        self.assertRefused(table + tuple_of(NONE, dict_of(function=plain)) + b"b.", "a state for an allowed name")
        self.assertRefused(call(plain) + b".", "only compared")
        self.assertRefused(call(named("_codecs", "encode"), text("x"), text("rot13")) + b".", "another encoding")
        self.assertRefused(call(named("copy_reg", "_reconstructor"), named("_codecs", "encode"), plain, NONE) + b".",
                           "an unexpected class")
        self.assertRefused(call(named("pandas.core.indexes.base", "_new_Index"), table, dict_of()) + b".",
                           "an unexpected class")

    def test_objects_kept_elsewhere_and_registered_extensions_are_refused(self):
        self.assertRefused(b"Pelsewhere\n.", "an object kept elsewhere")
        self.assertRefused(b"\x80\x02\x82\x01.", "unregistered extension code")

    def test_arrays_must_hold_what_their_shape_says(self):
        kind = dtype("f8")
        self.assertRefused(array([2], kind, bytes_of(bytes(8))) + b".", "another size than its shape")
        self.assertRefused(array([-1], kind, bytes_of(bytes(8))) + b".", "the shape")
        self.assertRefused(array([1 << 40], kind, bytes_of(bytes(8))) + b".", "the shape")
        self.assertRefused(array([1], dtype("f8", ">"), bytes_of(bytes(8))) + b".", "a dtype of other bytes")
        self.assertRefused(array([1], dtype("V8"), bytes_of(bytes(8))) + b".", "an array of 'V8'")
        self.assertRefused(array([1], dtype("O8", "|"), list_of(dict_of())) + b".", "objects that are not strings")

    def test_frames_must_hold_every_column_once(self):
        values = numbers([[1, 2]])
        self.assertRefused(frame(["a", "b"], 2, [(values, 0, 1, 1)]) + b".", "a column without values")
        self.assertRefused(frame(["a"], 2, [(values, 0, 1, 1), (values, 0, 1, 1)]) + b".", "a column twice")
        self.assertRefused(frame(["a"], 3, [(values, 0, 1, 1)]) + b".", "another size than the frame")
        self.assertRefused(frame(["a", "a"], 2, [(numbers([[1, 2], [3, 4]]), 0, 2, 1)]) + b".", "columns of one name")

    def test_bytes_that_are_no_pickle_are_refused(self):
        whole = frame(["a"], 2, [(numbers([[1, 2]]), 0, 1, 1)]) + b"."
        frames.load(whole)
        for length in range(0, len(whole), 7):
            self.assertRefused(whole[:length], "refused to unpickle")
        self.assertRefused(b"no pickle", "refused to unpickle")


class Recording:
    def __init__(self, labels):
        self.columns = {"label": numpy.asarray(labels, dtype="<i8")}
        for place, channel in enumerate(convert.CHANNELS):
            self.columns[channel] = numpy.arange(len(labels)) + 0.5 * place


class WindowTests(unittest.TestCase):
    def starts(self, labels):
        return convert.window_starts(numpy.asarray(labels)).tolist()

    def test_windows_overlap_by_half_and_do_not_reach_beyond_the_recording(self):
        self.assertEqual(self.starts([3] * 320), [0, 64, 128, 192])
        self.assertEqual(self.starts([3] * 319), [0, 64, 128])
        self.assertEqual(self.starts([3] * 127), [])
        self.assertEqual(self.starts([]), [])

    def test_a_window_has_one_label_and_it_is_an_activity(self):
        self.assertEqual(self.starts([1] * 128 + [2] * 128), [0, 128])
        self.assertEqual(self.starts([1] * 127 + [2] * 129), [128])
        for other in (-1, 0, 7, 12):
            self.assertEqual(self.starts([other] * 256), [])

    def test_windows_never_cross_from_one_recording_into_another(self):
        recordings = {2: [Recording([6] * 130)], 1: [Recording([5] * 100), Recording([5] * 192)]}
        windows, labels, users, numbers_, starts = convert.cut_windows(recordings)
        self.assertEqual(windows.shape, (3, 128, 6))
        self.assertEqual(windows[1, :2].tolist(), [[64, 64.5, 65, 65.5, 66, 66.5], [65, 65.5, 66, 66.5, 67, 67.5]])
        self.assertEqual(labels.tolist(), [4, 4, 5])
        self.assertEqual(users.tolist(), [1, 1, 2])
        self.assertEqual(numbers_.tolist(), [2, 2, 3])
        self.assertEqual(starts.tolist(), [0, 64, 0])


class FormatTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_reference_package_reads_what_is_written_and_the_bytes_repeat(self):
        values = numpy.arange(6, dtype="<f4").reshape(2, 3)
        for name in ("one", "two"):
            convert.write_safetensors(self.folder / name, [("x", "F32", values), ("y", "U8", [1, 2, 3]),
                                                           ("z", "I32", [[-5]])], {"b": "2", "a": "1"})
        self.assertEqual((self.folder / "one").read_bytes(), (self.folder / "two").read_bytes())
        read = safetensors.numpy.load_file(self.folder / "one")
        numpy.testing.assert_array_equal(read["x"], values)
        self.assertEqual((read["y"].tolist(), read["z"].tolist()), ([1, 2, 3], [[-5]]))
        self.assertEqual((read["y"].dtype, read["z"].dtype), (numpy.uint8, numpy.int32))
        with safetensors.safe_open(self.folder / "one", "np") as file:
            self.assertEqual(file.metadata(), {"a": "1", "b": "2"})

    def test_a_number_that_does_not_fit_its_type_is_an_error(self):
        with self.assertRaisesRegex(convert.ConversionError, "does not fit U8"):
            convert.write_safetensors(self.folder / "file", [("x", "U8", numpy.array([256]))], {})

    def test_idx_files_are_read_only_when_they_are_whole(self):
        content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(6))
        path = self.folder / "file.gz"
        path.write_bytes(gzip.compress(content))
        self.assertEqual(convert.read_idx(path, (2, 3)).tolist(), [[0, 1, 2], [3, 4, 5]])
        for broken in (gzip.compress(content[:-1]), gzip.compress(content + b"x"), gzip.compress(content)[:-12],
                       gzip.compress(b"\0\0\x0d" + content[3:]), content):
            path.write_bytes(broken)
            with self.assertRaises(convert.ConversionError):
                convert.read_idx(path, (2, 3))

    def test_utterances_are_padded_with_zeros_behind(self):
        values = numpy.arange(1, 7, dtype="<f4").reshape(3, 2)
        padded = convert.pad_utterances(values, numpy.array([1, 2]))
        self.assertEqual(padded.tolist(), [[[1, 2], [0, 0]], [[3, 4], [5, 6]]])
        for lengths in ([1, 1], [0, 3], [2, 2]):
            with self.assertRaises(convert.ConversionError):
                convert.pad_utterances(values, numpy.array(lengths))

    def test_a_raw_file_of_another_content_is_said_and_nothing_is_written(self):
        for name, content in [("har", b"cos\nsystem\n."), ("images", bytes(20)), ("speech", None)]:
            raw = self.folder / name
            raw.mkdir()
            (raw / "HAPT.pkl.gz").write_bytes(gzip.compress(content or b""))
            (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content or b""))
            stream = io.BytesIO()
            numpy.savez(stream, X=numpy.zeros((3, 13), "<f4"), y=numpy.zeros(1, int), lengths=numpy.array([3]))
            (raw / "digits.npz").write_bytes(stream.getvalue())
            target = self.folder / f"{name}.safetensors"
            done = subprocess.run([sys.executable, ROOT / "Scripts/datasets/convert.py", name, raw, target],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn("Scripts/datasets/convert.py: ", done.stderr)
            self.assertNotIn("Traceback", done.stderr)
            self.assertFalse(target.exists())


class CommandTests(unittest.TestCase):
    def test_an_unknown_set_is_a_usage_error(self):
        done = subprocess.run([ROOT / "Scripts/fetch-datasets", "mnist"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage:", done.stderr)

    def test_the_manifest_names_every_set(self):
        lines = [line.split("  ") for line in (ROOT / "Scripts/datasets.sha256").read_text().splitlines()]
        self.assertTrue(all(len(digest) == 64 and int(digest, 16) for digest, _ in lines))
        self.assertLessEqual({f"data/{name}.safetensors" for name in convert.CONVERTERS}, {path for _, path in lines})


if __name__ == "__main__":
    unittest.main()
