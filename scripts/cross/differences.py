"""Prints where two native modules differ: `python differences.py FILE FILE`."""

import re
import sys
from pathlib import Path

import lief

LIMIT = 3


def parts_of(file):
    """The sections and load commands of each architecture by name."""
    binaries = lief.MachO.parse(file) if lief.is_macho(file) else [lief.parse(file)]
    parts = {}
    for binary in binaries:
        start = getattr(binary, "fat_offset", 0)
        for section in binary.sections:
            size = section.sizeof_raw_data if isinstance(section, lief.PE.Section) else section.size
            if section.offset and size:
                name = f"{getattr(section, 'segment_name', '')}{section.name}"
                parts[f"section {name} at {start:#x}" if start else f"section {name}"] = (start + section.offset, size)
        for index, command in enumerate(getattr(binary, "commands", [])):
            name = f"command {index} ({command.command.name}) at {start + command.command_offset:#x}"
            parts[name] = (start + command.command_offset, command.size)
    return parts


def strings_of(content):
    return set(re.findall(rb"[ -~]{6,}", content))


def first_difference(one, other):
    return next((at for at, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))


contents = [Path(file).read_bytes() for file in sys.argv[1:3]]
parts = [parts_of(file) for file in sys.argv[1:3]]
print(f"sizes: {len(contents[0])} and {len(contents[1])} bytes, first difference at {first_difference(*contents):#x}")
for name in sorted(parts[0].keys() | parts[1].keys()):
    pieces = []
    for content, found in zip(contents, parts):
        offset, size = found.get(name, (0, 0))
        pieces.append(content[offset : offset + size])
    if pieces[0] == pieces[1]:
        continue
    sizes = f"{len(pieces[0])} and {len(pieces[1])} bytes"
    print(f"{name}: {sizes}, first difference at its {first_difference(*pieces):#x}")
    strings = [strings_of(piece) for piece in pieces]
    for which, here, there in (("first", *strings), ("second", *reversed(strings))):
        for text in sorted(here - there, key=len, reverse=True)[:LIMIT]:
            print(f"  only in the {which}: {text.decode()[:100]}")
