"""Runs the job for a hosted cluster, as its README has it, on a standalone one whose workers have nothing.

    pip install pyspark==4.3.0 'moto[server,s3]==5.2.5'; python3 contrib/spark/try_hosted.py CARGO_CUSTODY ITEMS

Workers have no archive, no home and no key: the binary comes to them by `--files`, the facts from a bucket (moto on
loopback) that one machine filled, its address and keys from the driver's environment. What a hosted cluster brings
and this one does not: `s3a://` for the list and the output, other machines, and the registry's index, for which
workers are shown a copy. CARGO_CUSTODY is built with the feature s3. No registry is asked.
"""

import json
import logging
import os
import pathlib
import shlex
import subprocess
import sys
import time

import boto3
from cluster import HERE, Cluster
from moto.server import ThreadedMotoServer

tool, items = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
cargo = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
NOWHERE = "http://127.0.0.1:9/"
asked = ("INDEX", "STATIC", "CRATES_IO", "ADVISORY_DB")
place = {f"CARGO_CUSTODY_{name}": NOWHERE for name in asked} | {
    "CARGO_CUSTODY_DATA": "off", "CARGO_CUSTODY_STORE": "s3://census/facts",
    "AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT": f"http://{host}:{port}", "AWS_ALLOW_HTTP": "true",
}  # fmt: skip
os.environ.update(place)
boto3.client("s3", region_name="us-east-1", endpoint_url=place["AWS_ENDPOINT"]).create_bucket(Bucket="census")


def readme():
    """The words of the README's job behind `spark-submit`, with its own names for what the user names."""
    text = (HERE / "README.md").read_text().split("## On a hosted cluster")[1].split("```")[1]
    words = shlex.split(text.removeprefix("sh\n").replace("\\\n", " "))
    named = {"cargo-custody": tool, "census.py": HERE / "census.py", "2000": "16"}
    named |= {"s3a://BUCKET/items": items, "s3a://BUCKET/census.parquet": spark.folder / "out"}
    return [named.get(word, word) for word in words[words.index("spark-submit") + 1 :]]


with Cluster() as spark:
    facts = [tool, "facts", "--stdin", "--api-budget", "0s", "--cache-dir", spark.folder / "filler"]
    with items.open() as given:
        filled = subprocess.run(facts, stdin=given, capture_output=True, text=True, check=True)
    here = {one["id"]: one for one in map(json.loads, filled.stdout.splitlines())}
    assert here and not any("error" in one for one in here.values()), filled.stdout[:2000]
    bare = spark.folder / "bare"
    (bare / "registry/cache").mkdir(parents=True)
    (bare / "registry/index").symlink_to(cargo / "registry/index")
    began = time.monotonic()
    job = spark.submit(*readme(), environment=place | {"CARGO_HOME": str(bare)})
    assert job.wait(timeout=3600) == 0, spark.said()[-4000:]
    took = time.monotonic() - began
    server.stop()

import duckdb  # After the cluster: it is for reading what was written.

read = f"SELECT id, error, line FROM read_parquet('{spark.folder}/out/*.parquet')"
rows = duckdb.sql(read).fetchall()
assert sorted(row[0] for row in rows) == sorted(items.read_text().split()), len(rows)
for name, error, line in rows:
    assert error is None, line
    told = json.loads(line)["facts"]
    # Where the bytes lay is another thing on each machine; what they say is not.
    for group in ("archive", "build", "secrets", "library", "native", "concealment"):
        assert told[group] == here[name]["facts"][group], (name, group)
print(f"{len(rows)} items on workers without archives, home or key, all as where they were measured: {took:.0f} s")
