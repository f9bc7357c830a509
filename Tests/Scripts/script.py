"""Loads a script of Scripts/, whose name is no module's."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path


def load(name):
    sys.dont_write_bytecode = True
    loader = SourceFileLoader(name.replace("-", "_"), str(Path(__file__).parents[2] / "Scripts" / name))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module
