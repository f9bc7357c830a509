"""Reads pickled pandas frames without pandas and without running what the pickle names.

A pickle is a program: it may call anything that can be imported. This reader resolves only the few names that frames of
numbers are made of, each to a stand-in of its own that checks its arguments, and refuses every other name. Neither
pandas nor numpy code is reached by name; arrays are made from their bytes.
"""

import io
import pickle

import numpy

MAX_BYTES = 256 << 20
MAX_DIMENSIONS = 2
DTYPES = {"f8": numpy.dtype("<f8"), "i8": numpy.dtype("<i8"), "O8": None}


class Refused(pickle.UnpicklingError):
    """The pickle asks for something that frames of numbers do not need; nothing of it was run."""


def require(condition, what):
    if not condition:
        raise Refused(f"refused to unpickle: {what}")


class Name:
    """What an allowed global stands for: something to call. Its slots keep the pickle from changing it."""

    __slots__ = ("function",)

    def __init__(self, function):
        object.__setattr__(self, "function", function)

    def __call__(self, *arguments):
        return self.function(*arguments)

    def __setattr__(self, name, value):
        raise Refused("refused to unpickle: a change of an allowed name")

    def __setstate__(self, state):
        raise Refused("refused to unpickle: a state for an allowed name")


class DType:
    """numpy.dtype of a little-endian number, or of objects, which only an index of column names may hold."""

    def __init__(self, code, align=0, copy=1):
        require(isinstance(code, str) and code in DTYPES, f"an array of {code!r}")
        self.code = code

    def __setstate__(self, state):
        require(isinstance(state, tuple) and len(state) >= 5 and state[0] == 3, "a dtype of an unknown version")
        order, subarray, names, fields = state[1:5]
        require(order in ("<", "|") and subarray is names is fields is None, "a dtype of other bytes than one number's")


class Array:
    """numpy.ndarray: `values` is a read-only array of numbers, or a list of strings."""

    values = None

    def __setstate__(self, state):
        require(isinstance(state, tuple) and len(state) == 5 and state[0] == 1, "an array of an unknown version")
        _, shape, dtype, is_fortran, content = state
        require(isinstance(dtype, DType), "an array without a dtype")
        require(isinstance(shape, tuple) and 0 < len(shape) <= MAX_DIMENSIONS
                and all(type(extent) is int and 0 <= extent <= MAX_BYTES for extent in shape), f"the shape {shape!r}")
        count = 1
        for extent in shape:
            count *= extent
        if dtype.code == "O8":
            require(len(shape) == 1 and isinstance(content, list) and len(content) == count
                    and all(type(item) is str for item in content), "an array of objects that are not strings")
            self.values = list(content)
            return
        kind = DTYPES[dtype.code]
        require(type(content) is bytes and len(content) == count * kind.itemsize,
                "an array of another size than its shape")
        flat = numpy.frombuffer(content, dtype=kind)
        self.values = flat.reshape(shape, order="F" if is_fortran else "C")


class Index:
    """pandas' Index of column names."""

    def __init__(self, data=None, name=None):
        require(isinstance(data, Array) and isinstance(data.values, list), "an index of other things than names")
        self.names = data.values


class RangeIndex:
    """pandas' RangeIndex: the row numbers."""

    def __init__(self, start=0, stop=0, step=1, name=None):
        require(type(stop) is int and (start, step) == (0, 1) and 0 <= stop <= MAX_BYTES,
                "rows that do not count from 0")
        self.count = stop


class BlockManager:
    """pandas' BlockManager: a frame's columns, stored in blocks of one type."""

    columns = None

    def __setstate__(self, state):
        require(isinstance(state, tuple) and len(state) == 4 and isinstance(state[3], dict) and "0.14.1" in state[3],
                "blocks in an unknown layout")
        content = state[3]["0.14.1"]
        require(isinstance(content, dict) and content.keys() == {"axes", "blocks"}, "blocks in an unknown layout")
        axes, blocks = content["axes"], content["blocks"]
        require(isinstance(axes, list) and len(axes) == 2 and isinstance(axes[0], Index)
                and isinstance(axes[1], RangeIndex), "a frame without named columns and counted rows")
        names, rows = axes[0].names, axes[1].count
        require(isinstance(blocks, list) and len(set(names)) == len(names), "columns of one name")
        columns = {}
        for block in blocks:
            require(isinstance(block, dict) and block.keys() == {"values", "mgr_locs"}, "a block in an unknown layout")
            values, places = block["values"], block["mgr_locs"]
            require(isinstance(values, Array) and isinstance(values.values, numpy.ndarray), "a block without numbers")
            require(isinstance(places, slice), "a block without places")
            placed = names[places]
            require(values.values.shape == (len(placed), rows), "a block of another size than the frame")
            for name, column in zip(placed, values.values):
                require(name not in columns, "a column twice")
                columns[name] = column
        require(columns.keys() == set(names), "a column without values")
        self.columns = {name: columns[name] for name in names}


class DataFrame:
    """pandas' DataFrame: `columns` maps each column's name to an array of one number a row."""

    columns = None

    def __setstate__(self, state):
        require(isinstance(state, dict) and isinstance(state.get("_data"), BlockManager), "a frame without blocks")
        self.columns = state["_data"].columns


def reconstruct_object(kind, base, state):
    require(kind in (FRAME, MANAGER) and base is OBJECT and state is None, "an object of an unexpected class")
    return kind()


def reconstruct_array(kind, shape, code):
    require(kind is NDARRAY and shape == (0,) and code == b"b", "an array of an unexpected class")
    return Array()


def new_index(kind, arguments):
    require(kind in (INDEX, RANGE_INDEX) and isinstance(arguments, dict), "an index of an unexpected class")
    try:
        return kind.function(**arguments)
    except TypeError as error:
        raise Refused(f"refused to unpickle: an index in an unknown layout: {error}") from None


def encode(text, encoding):
    require(type(text) is str and encoding == "latin1", "text in another encoding than that of bytes")
    return text.encode("latin1")


def make_slice(*bounds):
    require(len(bounds) == 3 and all(bound is None or type(bound) is int for bound in bounds),
            "a slice of other things")
    return slice(*bounds)


def refuse_call(*arguments):
    raise Refused("refused to unpickle: a call of a name that is only compared")


FRAME, MANAGER, OBJECT, NDARRAY = Name(DataFrame), Name(BlockManager), Name(refuse_call), Name(refuse_call)
INDEX, RANGE_INDEX = Name(Index), Name(RangeIndex)

# As the pickle spells them, which Python 2 could read: __builtin__ and copy_reg.
NAMES = {
    ("copy_reg", "_reconstructor"): Name(reconstruct_object),
    ("__builtin__", "object"): OBJECT,
    ("__builtin__", "slice"): Name(make_slice),
    ("_codecs", "encode"): Name(encode),
    ("numpy", "ndarray"): NDARRAY,
    ("numpy", "dtype"): Name(DType),
    ("numpy.core.multiarray", "_reconstruct"): Name(reconstruct_array),
    ("pandas.core.frame", "DataFrame"): FRAME,
    ("pandas.core.internals.managers", "BlockManager"): MANAGER,
    ("pandas.core.indexes.base", "_new_Index"): Name(new_index),
    ("pandas.core.indexes.base", "Index"): INDEX,
    ("pandas.core.indexes.range", "RangeIndex"): RANGE_INDEX,
}


class FrameUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        require((module, name) in NAMES, f"the name {module}.{name}")
        return NAMES[module, name]

    def persistent_load(self, identifier):
        raise Refused("refused to unpickle: an object kept elsewhere")


def load(content):
    """The object of a pickle of frames, plain containers and plain values; frames as DataFrame of this module.

    Raises Refused for what is not allowed, and for bytes that are no pickle.
    """
    require(len(content) <= MAX_BYTES, f"more than {MAX_BYTES} bytes")
    try:
        return FrameUnpickler(io.BytesIO(content)).load()
    except Refused:
        raise
    except Exception as error:  # A broken pickle fails in any way; all of them mean the same here.
        raise Refused(f"refused to unpickle: {type(error).__name__}: {error}") from error
