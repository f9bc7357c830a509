public import ArgumentParser
import Datasets

extension Dataset: ExpressibleByArgument {}
