"""Starts an S3 server on loopback with a bucket and runs a command that finds both in its environment.

    s3.py COMMAND [ARGUMENT...]
"""

import os
import subprocess
import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
place = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT": f"http://{host}:{port}",
    "AWS_ALLOW_HTTP": "true",
    "CUSTODY_S3_BUCKET": "custody",
}
os.environ.update(place)
boto3.client("s3", region_name="us-east-1", endpoint_url=place["AWS_ENDPOINT"]).create_bucket(
    Bucket=place["CUSTODY_S3_BUCKET"]
)
status = subprocess.run(sys.argv[1:]).returncode
server.stop()
sys.exit(status)
