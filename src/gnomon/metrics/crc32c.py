"""CRC-32C (Castagnoli), which guards the frames of a streamed remote read.

The snappy library computes it for its own frames; up to 64 KiB it can be taken from there at its full speed.
"""

import cramjam

_POLYNOMIAL = 0x82F63B78
_BLOCK_BYTES = 65_536
# A snappy stream begins with ten bytes of identification; the first frame's checksum follows its four bytes of header.
_CHECKSUM = slice(14, 18)
_MASK_DELTA = 0xA282EAD8
_ALL = 0xFFFFFFFF


def _make_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _make_table()


def crc32c(data: bytes) -> int:
    """Return the checksum of data; slow above 64 KiB."""
    if not data:
        return 0
    if len(data) <= _BLOCK_BYTES:
        masked = int.from_bytes(bytes(cramjam.snappy.compress(data))[_CHECKSUM], "little")
        rotated = masked - _MASK_DELTA & _ALL
        return (rotated >> 17 | rotated << 15) & _ALL
    crc = _ALL
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ _ALL
