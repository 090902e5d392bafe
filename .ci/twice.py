"""Prints a crate of which a lockfile has two releases, and both versions, the older first: twice.py Cargo.lock."""

import sys
import tomllib

versions = {}
for package in tomllib.load(open(sys.argv[1], "rb"))["package"]:
    if package.get("source", "").startswith("registry+"):
        versions.setdefault(package["name"], []).append(package["version"])
order = lambda version: [int(part) if part.isdigit() else 0 for part in version.split("+")[0].replace("-", ".").split(".")]
name, both = next((name, sorted(all_, key=order)[:2]) for name, all_ in sorted(versions.items()) if len(all_) > 1)
print(name, *both)
