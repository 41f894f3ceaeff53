"""Check a whole protobuf request with one parse and next to no allocation.

Parsing a request into objects costs more than storing it. But protobuf merges: a message that occurs again is merged
into the one before, unless its field is repeated. So each schema is declared anew with every `repeated` taken away:

    resource_spans { scope_spans { spans { name } spans { name } } }     500 spans are read into one,
                                                                         each over the one before

Google's upb walks through every byte and checks lengths, numbers and nesting as ever, but makes one object for each
*kind* of message. A field whose wire type is not the declared one ends up among the unknown fields of that object, so
these are few and quickly looked at. Only fields in `collected` stay lists, which hold the values of the whole request:
every trace id, side by side.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from gnomon.ingest.errors import MalformedRequestError

_Field = descriptor_pb2.FieldDescriptorProto

# What matters on the wire is the wire type: strings are not checked for UTF-8, and numbers may have up to 64 bits.
_WIRE_TYPES: dict[int, Any] = {
    FieldDescriptor.TYPE_STRING: _Field.TYPE_BYTES,
    FieldDescriptor.TYPE_INT32: _Field.TYPE_INT64,
    FieldDescriptor.TYPE_UINT32: _Field.TYPE_UINT64,
    FieldDescriptor.TYPE_ENUM: _Field.TYPE_INT64,
}
_WITHOUT_PACKED_FORM = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE}
_GROUP_START, _GROUP_END = 3, 4


class RequestShape:
    """The schema of one kind of request, for checking only."""

    def __init__(self, message: type[Message], collected: Iterable[str] = ()) -> None:
        """Declare `message` anew; `collected` names fields (`Span.trace_id`) whose values are all kept."""
        request: Any = message.DESCRIPTOR
        self._name = request.name
        package = f"gnomon.shapes.{request.full_name}"
        file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
        wanted = set(collected)
        for descriptor in _reachable(request):
            declared = file.message_type.add(name=_flat_name(descriptor))
            for field in descriptor.fields:
                # Numbers may come packed, which only a repeated field reads.
                kept = f"{descriptor.name}.{field.name}" in wanted or (
                    field.is_repeated and field.type not in _WITHOUT_PACKED_FORM
                )
                label = _Field.LABEL_REPEATED if kept else _Field.LABEL_OPTIONAL
                added = declared.field.add(name=field.name, number=field.number, label=label)
                if field.message_type is None:
                    added.type = _WIRE_TYPES.get(field.type, field.type)
                else:
                    added.type = _Field.TYPE_MESSAGE
                    added.type_name = f".{package}.{_flat_name(field.message_type)}"
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        found = pool.FindMessageTypeByName(f"{package}.{_flat_name(request)}")
        self._message: type[Message] = message_factory.GetMessageClass(found)

    def check(self, body: bytes) -> Any:
        """Return the one merged message; raises MalformedRequestError where `body` is no such request."""
        try:
            message = self._message.FromString(body)
        except DecodeError as error:
            text = f"The body is no {self._name}: {error}. Does the sender speak the protocol of this address?"
            raise MalformedRequestError(text) from error
        _refuse_mismatches(message, self._name)
        return message


def _reachable(request: Descriptor) -> Iterator[Descriptor]:
    seen = {request.full_name: request}
    waiting = [request]
    while waiting:
        descriptor = waiting.pop()
        yield descriptor
        for field in descriptor.fields:
            inner = field.message_type
            if inner is not None and inner.full_name not in seen:
                seen[inner.full_name] = inner
                waiting.append(inner)


def _flat_name(descriptor: Descriptor) -> str:
    return str(descriptor.full_name).replace(".", "_")


def _refuse_mismatches(message: Message, request: str) -> None:
    """Raise for a declared field of another wire type, and for groups, which nothing has sent since 2008."""
    waiting = [message]
    while waiting:
        current = waiting.pop()
        unknown: Any = UnknownFieldSet(current)
        if len(unknown):
            numbers = current.DESCRIPTOR.fields_by_number
            for field in unknown:
                declared = numbers.get(field.field_number)
                if declared is not None or field.wire_type in {_GROUP_START, _GROUP_END}:
                    name = declared.name if declared is not None else f"number {field.field_number}"
                    text = f"The body is no {request}: its field {name} has the wire type {field.wire_type}."
                    raise MalformedRequestError(text)
        waiting += [value for field, value in current.ListFields() if field.message_type is not None]
