"""Facts of many crates with Apache Spark: every partition pipes its lines through one worker.

    spark-submit census.py ITEMS OUT [--partitions N] [--worker COMMAND] [--sql FILE]

ITEMS has one `NAME@VERSION` (or one item in JSON) a line; OUT becomes Parquet with a row an item.
"""

import argparse
import os
import pathlib

from pyspark.sql import SparkSession
from pyspark.sql.functions import get_json_object as field

parser = argparse.ArgumentParser()
parser.add_argument("items")
parser.add_argument("out")
parser.add_argument("--partitions", type=int, default=64)
parser.add_argument("--worker", default="cargo-custody facts --stdin --offline --jobs 1")
parser.add_argument("--sql", help="a query over the view `facts`; its answer is printed")
asked = parser.parse_args()

spark = SparkSession.builder.appName("custody census").getOrCreate()
items = spark.sparkContext.textFile(asked.items).repartition(asked.partitions)
# PySpark starts what it pipes through without any environment.
kept = {k: v for k, v in os.environ.items() if k in ("HOME", "PATH") or k.startswith(("CARGO_", "AWS_"))}
# No item ends a worker: one that does end is lost with its partition, which Spark then runs again.
lines = items.pipe(asked.worker, env=kept, checkCode=True).map(lambda line: (line,))
rows = spark.createDataFrame(lines, "line string")
names = field("line", "$.id").alias("id"), field("line", "$.error.kind").alias("error")
rows.select(*names, "line").write.mode("overwrite").parquet(asked.out)
spark.read.parquet(asked.out).createOrReplaceTempView("facts")
spark.sql("SELECT count(*) AS items, count(error) AS errors FROM facts").show()
if asked.sql:
    for row in spark.sql(pathlib.Path(asked.sql).read_text().rstrip().rstrip(";")).collect():
        print(row[0])
spark.stop()
