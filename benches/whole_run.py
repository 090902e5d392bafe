#!/usr/bin/env python3
"""Times whole runs of `cargo custody check` on one lockfile, as ratios to unpacking the same archives.

    cargo build --release
    benches/whole_run.py FOLDER_WITH_CARGO_LOCK [--advisory-db DIR] [--rounds N]

Every archive of the lockfile has to be in Cargo's cache (`cargo fetch`); runs are offline. In each round
a first run with an empty cache directory, a second run, and `gzip -dc` over the same archives follow one
another, so that a busy machine slows all three. CPU seconds are user and system time of the process; what
is printed is the round with the least CPU of each, and the largest memory.
"""

import argparse
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib


def measured(command, **kwargs):
    """Wall seconds, CPU seconds and peak KiB of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{command[0]} failed")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def archives(lockfile):
    """The archives of a lockfile in Cargo's cache."""
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    found = []
    for package in tomllib.loads(lockfile.read_text())["package"]:
        if "checksum" in package:
            name = f"{package['name']}-{package['version']}.crate"
            hits = glob.glob(str(home / "registry/cache/*" / name))
            if not hits:
                sys.exit(f"{name} is not in Cargo's cache: run `cargo fetch` first")
            found.append(hits[0])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--advisory-db")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", default="target/release/cargo-custody")
    arguments = parser.parse_args()
    crates = archives(arguments.folder / "Cargo.lock")
    cache = tempfile.mkdtemp()
    check = [arguments.program, "check", str(arguments.folder), "--offline", "--cache-dir", cache]
    if arguments.advisory_db:
        check += ["--advisory-db", arguments.advisory_db]
    rows = {"gzip -dc": [], "first run": [], "second run": []}
    try:
        for _ in range(arguments.rounds):
            shutil.rmtree(cache)
            rows["gzip -dc"].append(measured(["gzip", "-dc", *crates]))
            rows["first run"].append(measured(check))
            rows["second run"].append(measured(check))
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    base = min(cpu for _, cpu, _ in rows["gzip -dc"])
    size = sum(os.path.getsize(crate) for crate in crates) / 2**20
    print(f"{len(crates)} archives, {size:.0f} MiB packed, best of {arguments.rounds} rounds\n")
    print("| | wall s | CPU s | CPU of gzip | peak MiB |\n|---|---|---|---|---|")
    for name, runs in rows.items():
        wall, cpu = min(run[0] for run in runs), min(run[1] for run in runs)
        peak = max(run[2] for run in runs) / 1024
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {cpu / base:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
