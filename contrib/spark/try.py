"""Runs census.py on a standalone Spark with a master and two workers on loopback, and kills one in the middle.

    pip install pyspark==4.3.0 duckdb==2.0.1; python3 contrib/spark/try.py CARGO_CUSTODY ITEMS

Every item has to have its row, and the base rates by Spark SQL have to be those by DuckDB. 500 MB are installed
and it takes minutes: this is no part of `.ci/run`.
"""

import collections
import os
import pathlib
import signal
import sys
import time

import duckdb
from cluster import HERE, Cluster

tool, items = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
with Cluster() as spark:
    out = spark.folder / "census.parquet"
    began = time.monotonic()
    job = spark.submit(
        "--files", tool, HERE / "census.py", items, out, "--partitions", "24", "--sql", HERE / "base-rates.sql",
        "--worker", f"./{tool.name} facts --stdin --offline --jobs 1 --cache-dir {spark.folder}/cache",
        environment=dict(os.environ),
    )  # fmt: skip
    # In the middle: some partitions are done, and more are to come.
    while job.poll() is None and len(list(out.rglob("part-*.parquet"))) < 4:
        time.sleep(0.2)
    assert job.poll() is None, "the job ended before a worker could be killed: give it more items\n" + spark.said()[-2000:]
    done = len(list(out.rglob("part-*.parquet")))
    os.killpg(spark.workers[0].pid, signal.SIGKILL)
    print(f"killed a worker and its executor after {done} of 24 partitions", flush=True)
    assert job.wait(timeout=3600) == 0, spark.said()[-4000:]
    took = time.monotonic() - began
    by_spark = spark.said().splitlines()

database = duckdb.connect()
database.execute(f"CREATE VIEW facts AS SELECT * FROM read_parquet('{out}/*.parquet')")
rows = collections.Counter(row[0] for row in database.execute("SELECT id FROM facts").fetchall())
wanted = collections.Counter(items.read_text().split())
assert rows == wanted, (sum(rows.values()), sum(wanted.values()))
by_kind = database.execute("SELECT error, count(*) FROM facts WHERE error IS NOT NULL GROUP BY error").fetchall()
query = (HERE.parent / "duckdb/base-rates.sql").read_text()
by_duckdb = [row[0] for row in database.execute(query).fetchall()]
for line in by_duckdb:
    assert line in by_spark, line
print(f"{sum(rows.values())} items, each with its row, errors {dict(by_kind)}, {took:.0f} s; by both engines:")
print("\n".join(by_duckdb))
