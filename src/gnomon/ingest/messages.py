"""Protobuf messages declared in Python, for schemas too small for generated code."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bytes": _Field.TYPE_BYTES,
    "string": _Field.TYPE_STRING,
    "int64": _Field.TYPE_INT64,
    "int32": _Field.TYPE_INT32,
    "uint64": _Field.TYPE_UINT64,
    "sint32": _Field.TYPE_SINT32,
    "sint64": _Field.TYPE_SINT64,
    "uint32": _Field.TYPE_UINT32,
    "double": _Field.TYPE_DOUBLE,
    "fixed64": _Field.TYPE_FIXED64,
    "sfixed64": _Field.TYPE_SFIXED64,
    "bool": _Field.TYPE_BOOL,
}


def define_message(name: str, messages: Mapping[str, Mapping[str, tuple[int, str]]]) -> Any:
    """Return the class of message `name`; fields are declared by name as (number, type), a `*` marks repeated ones."""
    package = f"gnomon.ingest.{name}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for message, fields in messages.items():
        declared = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            label = _Field.LABEL_REPEATED if kind.endswith("*") else _Field.LABEL_OPTIONAL
            added = declared.field.add(name=field, number=number, label=label)
            plain = kind.rstrip("*")
            if kind.endswith("*") and plain in _SCALARS and plain not in {"bytes", "string"}:
                added.options.packed = True
            added.type = _SCALARS.get(plain, _Field.TYPE_MESSAGE)
            if plain not in _SCALARS:
                added.type_name = f".{package}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
