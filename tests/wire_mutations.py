"""Protobuf requests that are almost right: taken apart by their schema, changed, put together with lengths that fit."""

import copy
import random
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

_VARINT, _FIXED64, _DELIMITED, _GROUP, _FIXED32 = 0, 1, 2, 3, 5
_WIRE_TYPES = (_VARINT, _FIXED64, _DELIMITED, _GROUP, _FIXED32)
_NUMBERS = (0, 1, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**63, 2**64 - 1, 2**64 - 2**31 - 1)
_FIELD_NUMBERS = (*range(1, 19), 100, 999, 1000, 5000, 2**28, 2**29 - 1)


@dataclass
class Node:
    """One field as it stands on the wire; `padding` bytes make its tag (and length) longer than needed."""

    number: int
    wire_type: int
    content: "int | bytes | list[Node]"
    padding: tuple[int, int] = field(default=(0, 0))


def take_apart(data: bytes, descriptor: Any) -> list[Node]:
    """Return the fields of a message, embedded ones taken apart, too."""
    nodes = []
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        content: int | bytes | list[Node]
        if wire_type == _VARINT:
            content, position = _read_varint(data, position)
        elif wire_type == _DELIMITED:
            length, position = _read_varint(data, position)
            content = data[position : position + length]
            position += length
            known = descriptor.fields_by_number.get(number)
            if known is not None and known.message_type is not None:
                content = take_apart(content, known.message_type)
        else:
            size = 8 if wire_type == _FIXED64 else 4
            content = data[position : position + size]
            position += size
        nodes.append(Node(number, wire_type, content))
    return nodes


def put_together(nodes: list[Node]) -> bytes:
    """Return the bytes of a message."""
    out = bytearray()
    for node in nodes:
        out += _varint(node.number << 3 | node.wire_type, node.padding[0])
        content = node.content
        if isinstance(content, int):
            out += _varint(content, node.padding[1])
            continue
        data = put_together(content) if isinstance(content, list) else content
        if node.wire_type == _DELIMITED:
            out += _varint(len(data), node.padding[1])
        out += data
        if node.wire_type == _GROUP:
            out += _varint(node.number << 3 | 4)
    return bytes(out)


def mutate_fields(message: Message, chance: random.Random) -> bytes:  # noqa: C901 - one case for each kind of fault
    """Return a message with up to three fields left out, repeated, moved, retyped, renumbered, filled or padded."""
    nodes = take_apart(message.SerializeToString(), message.DESCRIPTOR)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        places = _places(nodes)
        if not places:
            break
        siblings, index = chance.choice(places)
        node = siblings[index]
        match chance.randrange(9):
            case 0:
                del siblings[index]
            case 1:
                siblings.insert(chance.randrange(len(siblings) + 1), copy.deepcopy(node))
            case 2:
                chance.shuffle(siblings)
            case 3:
                node.wire_type = chance.choice(_WIRE_TYPES)
                node.content = _content(node.wire_type, chance)
            case 4:
                node.content = _content(node.wire_type, chance)
            case 5:
                wire_type = chance.choice(_WIRE_TYPES)
                stranger = Node(chance.choice(_FIELD_NUMBERS), wire_type, _content(wire_type, chance))
                siblings.insert(chance.randrange(len(siblings) + 1), stranger)
            case 6:
                node.padding = (chance.randrange(4), chance.randrange(4))
            case 7:
                others, place = chance.choice(places)
                siblings.insert(index, copy.deepcopy(others[place]))
            case _:
                node.number = chance.choice(_FIELD_NUMBERS)
    return put_together(nodes)


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """Return the data with up to three bytes changed, added or missing."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 3])):
        place = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[place] = chance.randrange(256)
            case 1:
                changed[place] ^= 1 << chance.randrange(8)
            case 2:
                changed.insert(place, chance.randrange(256))
            case _:
                del changed[place:]
                changed += b"\x00"
    return bytes(changed)


def _places(nodes: list[Node]) -> list[tuple[list[Node], int]]:
    found = []
    for index, node in enumerate(nodes):
        found.append((nodes, index))
        if isinstance(node.content, list):
            found += _places(node.content)
    return found


def _content(wire_type: int, chance: random.Random) -> int | bytes:
    if wire_type == _VARINT:
        return chance.choice((*_NUMBERS, chance.getrandbits(64)))
    if wire_type == _FIXED64:
        return chance.randbytes(8)
    if wire_type == _FIXED32:
        return chance.randbytes(4)
    if wire_type == _GROUP:
        return chance.choice((b"", b"\x08\x01", b"\x0b\x0c", b"\x12\x03abc"))
    return chance.choice((b"", b"\x0a\x00", b"\x00", *map(chance.randbytes, (1, 7, 8, 16, 200))))


def _varint(number: int, padding: int = 0) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    for _ in range(padding):
        out[-1] |= 128
        out.append(0)
    return bytes(out)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, position
