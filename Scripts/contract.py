"""The services of proto/ and the options of proto/options.proto that their rpcs and messages carry.

Read from a descriptor set of `protoc --include_imports --include_source_info`; needs python3-protobuf.
"""
from dataclasses import dataclass

from google.protobuf import descriptor_pb2 as pb
from google.protobuf import descriptor_pool

PACKAGE = "eclm.v1"
OPTIONS = "options.proto"


@dataclass
class Terms:
    """What an rpc's options say; what it does not carry is None or empty."""
    repeatability: str | None
    roles: list
    deadline_ms: int | None


class Contract:
    def __init__(self, descriptor_set):
        # The extensions must be known before the options that use them are parsed.
        for file in pb.FileDescriptorSet.FromString(descriptor_set).file:
            if file.name == OPTIONS:
                descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
        self.pool = descriptor_pool.Default()
        self.all_files = pb.FileDescriptorSet.FromString(descriptor_set).file
        self.files = [file for file in self.all_files if file.package == PACKAGE and file.name != OPTIONS]
        self.messages = {message.name: message for file in self.files for message in file.message_type}
        self.repeatability = self.extension("repeatability")
        self.role = self.extension("role")
        self.deadline_ms = self.extension("deadline_ms")
        self.same_fields_as = self.extension("same_fields_as")

    def extension(self, name):
        return self.pool.FindExtensionByName(f"{PACKAGE}.{name}")

    def terms(self, method):
        options = method.options
        has = lambda extension: options.HasExtension(extension)
        name = lambda extension, number: extension.enum_type.values_by_number[number].name
        return Terms(
            repeatability=name(self.repeatability, options.Extensions[self.repeatability])
            if has(self.repeatability) else None,
            roles=[name(self.role, number).removeprefix("ROLE_").lower() for number in options.Extensions[self.role]],
            deadline_ms=options.Extensions[self.deadline_ms] if has(self.deadline_ms) else None)

    def twin(self, message):
        """The name of the message that has the same fields, checked; None where the message names none."""
        if not message.options.HasExtension(self.same_fields_as):
            return None
        name = message.options.Extensions[self.same_fields_as]
        fields = lambda of: [(f.name, f.number, f.type, f.type_name, f.label, f.default_value) for f in of.field]
        if fields(message) != fields(self.messages[name]):
            raise SystemExit(f"{message.name} has other fields than {name}: give both the same ones")
        return name

    def problems(self):
        """What an rpc lacks, in words: options that it must carry, and messages of its own."""
        users = {}
        for file in self.files:
            for service in file.service:
                for method in service.method:
                    where = f"{file.name}: {service.name}.{method.name}"
                    terms = self.terms(method)
                    for option, value in (
                        ("repeatability", terms.repeatability), ("role", terms.roles),
                        ("deadline_ms", terms.deadline_ms)):
                        if not value:
                            yield f"{where} carries no option ({option})"
                    for kind, ending in ((method.input_type, "Request"), (method.output_type, "Response")):
                        message = kind.rsplit(".", 1)[1]
                        if not message.endswith(ending):
                            yield f"{where}: {message} is named like no {ending.lower()}"
                        other = users.setdefault(message, where)
                        if other != where:
                            yield f"{where} shares {message} with {other}"
