"""Holds contrib/duckdb/base-rates.sql over what the worker prints for this tree's own lockfile.

    duckdb.py CARGO_CUSTODY [CACHE_DIR]

Counts the same in Python and compares. Offline: cargo has fetched the archives.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

sys.path.pop(0)  # This file has the name of the package.
import duckdb

root = pathlib.Path(__file__).resolve().parent.parent
lock = tomllib.loads((root / "Cargo.lock").read_text())
items = [f"{p['name']}@{p['version']}" for p in lock["package"] if "source" in p]
with tempfile.TemporaryDirectory() as folder:
    printed = pathlib.Path(folder) / "facts.jsonl"
    worker = [sys.argv[1], "facts", "--stdin", "--offline", "--cache-dir", f"{folder}/cache"]
    with printed.open("w") as out:
        asked = "\n".join([*items, "rubbish"]) + "\n"
        subprocess.run(worker, input=asked, text=True, stdout=out, check=True)
    lines = [json.loads(line) for line in printed.read_text().splitlines()]
    assert len(lines) == len(items) + 1, (len(lines), len(items))
    database = duckdb.connect()
    database.execute(
        "CREATE VIEW facts AS SELECT json::VARCHAR AS line FROM read_json_objects(?,"
        " format = 'newline_delimited', maximum_object_size = 67108864)".replace("?", f"'{printed}'")
    )
    query = (root / "contrib/duckdb/base-rates.sql").read_text()
    rates = {row[0].split(" = ")[0]: row[0] for row in database.execute(query).fetchall()}

facts = [line["facts"] for line in lines if "facts" in line]
assert facts, "no archive is on this machine"
PLACES = {
    "runs-at-build": ("build", "runs_at_build"),
    "proc-macro": ("build", "proc_macro"),
    "dirty-vcs-info": ("archive", "vcs", "dirty"),
    "has-vcs-info": ("archive", "vcs", "present"),
}
for name, place in PLACES.items():
    values = []
    for sheet in facts:
        value = sheet
        for key in place:
            value = value.get(key, {}) if isinstance(value, dict) else {}
        values.append(value)
    fires, told = values.count(True), sum(isinstance(value, bool) for value in values)
    fits = re.fullmatch(rf"{name} = {{ fires = {fires}, of = {told} }} # ([\d.]+) to ([\d.]+) %", rates[name])
    assert fits, (name, fires, told, rates[name])
    assert float(fits[1]) <= 100 * fires / told <= float(fits[2]) + 0.01, rates[name]
print(f"duckdb: {len(facts)} of {len(items)} crates, {len(rates)} rates as counted")
