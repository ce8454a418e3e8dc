"""Prints as JSON what a native module needs and offers, for each architecture: `python inspect.py FILE`."""

import json
import sys

import lief


def facts_of(binary):
    facts = {"exports": sorted({function.name for function in binary.exported_functions})}

    if isinstance(binary, lief.ELF.Binary):
        versions = [
            f"{auxiliary.name}"
            for requirement in binary.symbols_version_requirement
            for auxiliary in requirement.get_auxiliary_symbols()
        ]
        symbols = [
            symbol.name
            for symbol in binary.dynamic_symbols
            if symbol.is_function and symbol.shndx != 0
        ]
        facts |= {
            "format": "ELF",
            "architecture": binary.header.machine_type.name,
            "exports": sorted(symbols),
            "libraries": list(binary.libraries),
            "versions": sorted(set(versions)),
        }
    elif isinstance(binary, lief.PE.Binary):
        facts |= {
            "format": "PE",
            "architecture": binary.header.machine.name,
            "libraries": [entry.name for entry in binary.imports],
        }
    else:
        version = binary.build_version or binary.version_min
        minimum = version.minos if binary.build_version else version.version
        identity = [
            command.name
            for command in binary.libraries
            if command.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB
        ]
        facts |= {
            "format": "MachO",
            "architecture": binary.header.cpu_type.name,
            "libraries": [library.name for library in binary.libraries if library.name not in identity],
            "minimum": ".".join(map(str, minimum[:2])),
            "name": identity[0] if identity else "",
            "signed": binary.has_code_signature,
            # In a file for several architectures, each begins at a page.
            "aligned": binary.fat_offset % 0x4000 == 0,
        }
    return facts


file = sys.argv[1]
binaries = lief.MachO.parse(file) if lief.is_macho(file) else [lief.parse(file)]
print(json.dumps([facts_of(binary) for binary in binaries]))
