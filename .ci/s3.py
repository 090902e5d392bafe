"""Holds `--store s3://...` against an S3 server on loopback.

    s3.py CARGO_CUSTODY

The program has to be built with the feature s3. Archives are those of this tree's lockfile in Cargo's cache;
no registry is asked.
"""

import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

import boto3
from moto.server import ThreadedMotoServer

CRATES = 24
BUCKET = "custody"
root = pathlib.Path(__file__).resolve().parent.parent
tool = pathlib.Path(sys.argv[1]).resolve()
cargo = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
lock = tomllib.loads((root / "Cargo.lock").read_text())


def archives():
    """Locked crates whose archive is here, the small ones."""
    for package in lock["package"]:
        name = f"{package['name']}-{package['version']}.crate"
        for path in cargo.glob(f"registry/cache/*/{name}"):
            if "checksum" in package and path.stat().st_size < 100_000:
                yield package, path
                break


crates = list(archives())[:CRATES]
assert len(crates) == CRATES, f"{len(crates)} archives are on this machine"
asked = [
    json.dumps({"id": p["name"], "crate": f"{p['name']}@{p['version']}", "archive": str(path),
                "sha256": p["checksum"]}) + "\n"
    for p, path in crates
]  # fmt: skip
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
NOWHERE = "http://127.0.0.1:9/"
place = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT": f"http://{host}:{port}",
    "AWS_ALLOW_HTTP": "true",
    "CARGO_CUSTODY_DATA": "off",
    "CARGO_CUSTODY_INDEX": NOWHERE,
    "CARGO_CUSTODY_STATIC": NOWHERE,
    "CARGO_CUSTODY_CRATES_IO": NOWHERE,
    "CARGO_CUSTODY_ADVISORY_DB": NOWHERE,
}
os.environ.update(place)
bucket = boto3.client("s3", region_name="us-east-1", endpoint_url=place["AWS_ENDPOINT"])
bucket.create_bucket(Bucket=BUCKET)
scratch = tempfile.TemporaryDirectory()
folder = pathlib.Path(scratch.name)


def values(prefix):
    """Every object below a prefix, by the rest of its name."""
    pages = bucket.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    names = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    read = lambda name: bucket.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    return {name.removeprefix(prefix): read(name) for name in names}


def start(cache, prefix, where=BUCKET):
    """A worker with a cache of its own."""
    command = [tool, "facts", "--stdin", "--jobs", "1", "--api-budget", "0s", "--store", f"s3://{where}/{prefix}",
               "--cache-dir", folder / cache]  # fmt: skip
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def finish(worker, lines):
    """Its answers to lines, and what it told of."""
    out, told = worker.communicate("".join(lines))
    assert worker.returncode == 0, told
    assert '"error"' not in out, out
    return out.splitlines(), told


try:
    whole, told = finish(start("one", "one"), asked)
    one = values("one")
    assert (len(whole), len(one), told) == (CRATES, CRATES, ""), (len(whole), len(one), told)

    # A machine without archives knows what the other one measured.
    project = folder / "project"
    project.mkdir()
    text = "version = 4\n"
    for package, _ in crates:
        fields = ("name", "version", "source", "checksum")
        text += "\n[[package]]\n" + "".join(f'{key} = "{package[key]}"\n' for key in fields)
    (project / "Cargo.lock").write_text(text)
    (folder / "bare/registry/cache").mkdir(parents=True)
    (folder / "bare/registry/index").symlink_to(cargo / "registry/index")
    check = [tool, "check", project / "Cargo.lock", "--format", "json", "--api-budget", "0s",
             "--store", f"s3://{BUCKET}/one", "--cache-dir", folder / "bare-cache"]  # fmt: skip
    bare = dict(os.environ, CARGO_HOME=str(folder / "bare"))
    told = subprocess.run(check, env=bare, text=True, capture_output=True)
    report = json.loads(told.stdout)
    assert report["coverage"]["archive"]["known"] == CRATES, (report["coverage"], told.stderr)

    # A damaged value is told of once, measured again and replaced.
    name = sorted(one)[3]
    bucket.put_object(Bucket=BUCKET, Key="one" + name, Body=one[name][: len(one[name]) // 2])
    again, told = finish(start("three", "one"), asked)
    assert again == whole and told.count("1 values of the shared store are damaged") == 1, told
    assert values("one") == one

    # Two writers at once leave what one leaves.
    writers = [start(f"writer-{n}", "two") for n in range(2)]
    for writer in writers:
        writer.stdin.write("".join(asked))
        writer.stdin.flush()
    assert [finish(writer, [])[0] for writer in writers] == [whole, whole]
    assert values("two") == one

    # Of two workers one is killed in the middle and its shard run again: the union is that of one run.
    shards = asked[::2], asked[1::2]
    killed = start("killed", "kill")
    killed.stdin.write("".join(shards[0][:4]))
    killed.stdin.flush()
    assert killed.stdout.readline().rstrip("\n") == whole[0]
    other = start("other", "kill")
    killed.kill()
    killed.wait()
    union = finish(other, shards[1])[0] + finish(start("killed", "kill"), shards[0])[0]
    assert sorted(union) == sorted(whole)
    assert values("kill") == one

    # A store that refuses costs a sentence and nothing else.
    out, told = finish(start("refused", "x", where="no-such-bucket"), asked)
    assert out == whole and told.count("the shared store cannot be used") == 1, told
    keyless = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    told = subprocess.run(check, env=keyless, text=True, capture_output=True)
    assert told.returncode == 2 and "no credentials in the environment" in told.stderr, told
finally:
    server.stop()
    scratch.cleanup()
print(f"s3: {CRATES} values in a bucket, as in a folder")
