"""Checksums of files, which show damage."""

import zlib
from typing import BinaryIO

CHUNK = 2**20  # bytes that are read at once


def checksum_of(file: BinaryIO, size: int) -> int:
    """Read some bytes of a file, and return their CRC-32.

    Parameters
    ----------
    file : file
        It is read from where it stands.
    size : int
        Number of bytes; a file that ends before is read to its end.
    """
    checksum = 0
    while size > 0 and (chunk := file.read(min(CHUNK, size))):
        checksum = zlib.crc32(chunk, checksum)
        size -= len(chunk)
    return checksum
