#!/usr/bin/env python3
"""Audits a fleet of made-up projects and asks who locks a crate.

    fleet.py CARGO_CUSTODY N LOCKFILE...

N lockfiles are made from real ones: a project leaves out a part of the packages of a real one, a different part
each. Archives are those of Cargo's cache; offline. CPU is user and system time of the process, and its children
have none.
"""

import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

tool, count = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
real = [pathlib.Path(name).read_text().split("\n[[package]]\n") for name in sys.argv[3:]]
chance = random.Random(20261129)


def mutated(number):
    """A real lockfile without a part of its packages, and without what names these."""
    head, *packages = real[number % len(real)]
    stays = chance.uniform(0.3, 1.0)
    kept = [text for text in packages if "\nsource = " not in text or chance.random() < stays]
    names = {re.match(r'name = "([^"]+)"', text).group(1) for text in kept}
    known = lambda line: not (named := re.match(r' "([^" ]+)', line)) or named.group(1) in names
    kept = ["\n".join(filter(known, text.split("\n"))) for text in kept]
    return "\n[[package]]\n".join([head, *kept]) + "\n"


def run(*arguments):
    """Wall time, CPU time and peak memory of the tool, and what it said."""
    with tempfile.TemporaryFile("w+") as out:
        began = time.monotonic()
        child = subprocess.Popen([tool, *arguments], stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        assert os.waitstatus_to_exitcode(status) in (0, 1, 3), status
        out.seek(0)
        cpu = used.ru_utime + used.ru_stime
        return f"{wall:.2f} s, {cpu:.2f} CPU s, peak {used.ru_maxrss // 1024} MiB", out.read()


with tempfile.TemporaryDirectory() as folder:
    fleet = pathlib.Path(folder)
    for number in range(count):
        project = fleet / "fleet" / f"p{number:05}"
        project.mkdir(parents=True)
        (project / "Cargo.lock").write_text(mutated(number))
    (fleet / "fleet/list").write_text("".join(f"p{number:05}\n" for number in range(count)))
    options = ["--offline", "--quiet", "--out", fleet / "out", "--store", f"file:{fleet}/store", "--cache-dir", fleet / "cache"]
    figures, said = run("fleet", fleet / "fleet/list", *options)
    print(f"{count} projects: {figures}")
    print(said.splitlines()[-1][:160])
    print(f"again: {run('fleet', fleet / 'fleet/list', *options)[0]}")
    for spec in ("serde", "syn", "no-such-crate"):
        figures, said = run("fleet", "who", spec, "--out", fleet / "out")
        print(f"who {spec}: {figures}; {len(said.splitlines())} lines")
