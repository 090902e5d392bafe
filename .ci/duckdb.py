"""Holds contrib/duckdb/base-rates.sql over JSON lines and over Parquet against `rules --measure --from`, and
contrib/duckdb/who-has.sql over a fleet of one against `fleet who`.

    duckdb.py CARGO_CUSTODY

The facts are of this tree's own lockfile. Offline: cargo has fetched the archives.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

sys.path.pop(0)  # This file has the name of the package.
import duckdb

root = pathlib.Path(__file__).resolve().parent.parent
tool = pathlib.Path(sys.argv[1]).resolve()
lock = tomllib.loads((root / "Cargo.lock").read_text())
items = [f"{p['name']}@{p['version']}" for p in lock["package"] if "source" in p]


def table(lines):
    """Signal to its line, and to its figures."""
    text = "\n".join(lines)
    rates = tomllib.loads(text)["signals"]
    return {line.split(" = ")[0]: line for line in lines if line.split(" = ")[0] in rates}, rates


def signals(query):
    """The rows that say what each signal is made of."""
    return re.findall(r"^ *(\('.+'\)),?$", query, re.M)


with tempfile.TemporaryDirectory() as folder:
    printed = pathlib.Path(folder) / "facts.jsonl"
    parquet = pathlib.Path(folder) / "facts.parquet"
    worker = [tool, "facts", "--stdin", "--offline", "--cache-dir", f"{folder}/cache"]
    # The first comes twice and counts once; rubbish has a line and no facts.
    asked = "\n".join([*items, items[0], "rubbish"]) + "\n"
    with printed.open("w") as out:
        subprocess.run(worker, input=asked, text=True, stdout=out, check=True)
    lines = printed.read_text().splitlines()
    assert len(lines) == len(items) + 2, (len(lines), len(items))

    database = duckdb.connect()
    database.execute(
        "CREATE TABLE told AS SELECT json::VARCHAR AS line FROM read_json_objects("
        f"'{printed}', format = 'newline_delimited', maximum_object_size = 67108864)"
    )
    database.execute(f"COPY told TO '{parquet}' (FORMAT parquet)")
    query = (root / "contrib/duckdb/base-rates.sql").read_text()
    spark = (root / "contrib/spark/base-rates.sql").read_text()
    assert signals(query) == signals(spark), "the signals of the two dialects differ"
    answers = []
    for source in ("told", f"read_parquet('{parquet}')"):
        database.execute(f"CREATE OR REPLACE VIEW facts AS SELECT line FROM {source}")
        answers.append([row[0] for row in database.execute(query).fetchall()])
    assert answers[0] == answers[1], "JSON lines and Parquet say different things"
    by_sql, rates = table(answers[0])

    for source in (printed, parquet):
        measure = [tool, "rules", "--measure", "--from", source]
        told = subprocess.run(measure, text=True, capture_output=True, check=True).stdout
        by_rules, _ = table(told.splitlines())
        for signal, line in by_sql.items():
            assert line == by_rules[signal], (source.suffix, line, by_rules[signal])

    fleet = [tool, "fleet", root / "Cargo.lock", "--out", "audits", "--offline", "--quiet", "--cache-dir", "cache"]
    done = subprocess.run(fleet, cwd=folder, stdout=subprocess.DEVNULL)
    assert done.returncode in (0, 1, 3), done
    asked = subprocess.run([tool, "fleet", "who", "serde", "--json", "--out", "audits"], cwd=folder, text=True,
                           capture_output=True, check=True)  # fmt: skip
    os.chdir(folder)
    rows = duckdb.sql((root / "contrib/duckdb/who-has.sql").read_text()).fetchall()
    by_tool = json.loads(asked.stdout)["locked"]
    assert by_tool and {version: who for _, version, _, who in rows} == by_tool, (rows, by_tool)
    os.chdir(root)

known = rates["runs-at-build"]["of"]
assert known > len(items) // 2, f"of {len(items)} crates {known} have an archive on this machine"
assert rates["runs-at-build"]["fires"] > 0, rates
print(f"duckdb: {known} of {len(items)} crates, {len(by_sql)} rates as the rules say")
