"""Runs census.py on a standalone Spark with a master and two workers on loopback, and kills one in the middle.

    pip install pyspark==4.3.0 duckdb==2.0.1; python3 contrib/spark/try.py CARGO_CUSTODY ITEMS

Every item has to have its row, and the base rates by Spark SQL have to be those by DuckDB. 500 MB are installed
and it takes minutes: this is no part of `.ci/run`.
"""

import collections
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import duckdb
import pyspark

here = pathlib.Path(__file__).resolve().parent
tool, items = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
home = pathlib.Path(pyspark.__file__).parent
folder = pathlib.Path(tempfile.mkdtemp(prefix="census-"))
environment = dict(
    os.environ, SPARK_HOME=str(home), SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable,
    SPARK_LOCAL_DIRS=str(folder / "local"), SPARK_WORKER_DIR=str(folder / "work"),
)  # fmt: skip
MASTER = "spark://127.0.0.1:17077"
CLASSES = "org.apache.spark.deploy"


def start(name, *arguments):
    """A process of Spark's own, in a group of its own with all that it starts."""
    with (folder / f"{name}.log").open("w") as log:
        return subprocess.Popen(arguments, stdout=log, stderr=log, env=environment, start_new_session=True)


def spark_class(name, *arguments):
    return start(name, home / "bin/spark-class", *arguments)


master = spark_class("master", f"{CLASSES}.master.Master", "--host", "127.0.0.1", "--port", "17077", "--webui-port", "0")
worker = f"{CLASSES}.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0", "--cores", "1", "--memory", "1g", MASTER
running = [master]
try:
    running += [spark_class(f"worker-{n}", *worker) for n in range(2)]
    out = folder / "census.parquet"
    began = time.monotonic()
    job = start(
        "job", home / "bin/spark-submit", "--master", MASTER, "--conf", "spark.driver.host=127.0.0.1",
        "--conf", "spark.driver.bindAddress=127.0.0.1", "--conf", "spark.executor.memory=600m", "--files", tool,
        here / "census.py", items, out, "--partitions", "24", "--sql", here / "base-rates.sql", "--worker",
        f"./{tool.name} facts --stdin --offline --jobs 1 --cache-dir {folder}/cache",
    )  # fmt: skip
    running.append(job)
    # In the middle: some partitions are done, and more are to come.
    while job.poll() is None and len(list(out.rglob("part-*.parquet"))) < 4:
        time.sleep(0.2)
    assert job.poll() is None, "the job ended before a worker could be killed: give it more items"
    done = len(list(out.rglob("part-*.parquet")))
    os.killpg(running[1].pid, signal.SIGKILL)
    print(f"killed a worker and its executor after {done} of 24 partitions", flush=True)
    assert job.wait(timeout=1800) == 0, (folder / "job.log").read_text()[-4000:]
    took = time.monotonic() - began
finally:
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)

database = duckdb.connect()
database.execute(f"CREATE VIEW facts AS SELECT * FROM read_parquet('{out}/*.parquet')")
rows = collections.Counter(row[0] for row in database.execute("SELECT id FROM facts").fetchall())
wanted = collections.Counter(items.read_text().split())
assert rows == wanted, (sum(rows.values()), sum(wanted.values()))
by_kind = database.execute("SELECT error, count(*) FROM facts WHERE error IS NOT NULL GROUP BY error").fetchall()
query = (here.parent / "duckdb/base-rates.sql").read_text()
by_duckdb = [row[0] for row in database.execute(query).fetchall()]
by_spark = (folder / "job.log").read_text().splitlines()
for line in by_duckdb:
    assert line in by_spark, line
print(f"{sum(rows.values())} items, each with its row, errors {dict(by_kind)}, {took:.0f} s; by both engines:")
print("\n".join(by_duckdb))
