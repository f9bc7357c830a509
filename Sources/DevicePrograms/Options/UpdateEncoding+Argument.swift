public import ArgumentParser
public import ECLMCore

extension UpdateEncoding: ExpressibleByArgument {}
