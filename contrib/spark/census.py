"""Facts of many crates with Apache Spark: every partition pipes its lines through one worker.

    spark-submit census.py ITEMS OUT [--partitions N] [--worker COMMAND]

ITEMS has one `NAME@VERSION` (or one item in JSON) a line; OUT becomes Parquet with a row an item.
"""

import argparse

from pyspark.sql import SparkSession
from pyspark.sql.functions import get_json_object as field

parser = argparse.ArgumentParser()
parser.add_argument("items")
parser.add_argument("out")
parser.add_argument("--partitions", type=int, default=64)
parser.add_argument("--worker", default="cargo-custody facts --stdin --offline --jobs 1")
asked = parser.parse_args()

spark = SparkSession.builder.appName("custody census").getOrCreate()
items = spark.sparkContext.textFile(asked.items).repartition(asked.partitions)
# A worker that ends with an error fails its partition, which Spark then runs again.
lines = items.pipe(asked.worker, checkCode=True).map(lambda line: (line,))
rows = spark.createDataFrame(lines, "line string").select(
    field("line", "$.id").alias("id"),
    field("line", "$.error.kind").alias("error"),
    "line",
)
rows.write.mode("overwrite").parquet(asked.out)
spark.read.parquet(asked.out).createOrReplaceTempView("facts")
spark.sql("SELECT count(*) AS items, count(error) AS errors FROM facts").show()
spark.stop()
