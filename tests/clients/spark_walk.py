"""Spark's Kafka source and sink: a stream from topic to topic that is stopped and goes on where it was, and a batch read of what
came. usage: spark_walk.py HOST:PORT JARS FOLDER"""
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, concat, lit


def main(brokers, jars, folder):
    source, target = "spark-in-" + folder.rsplit("/", 1)[1], "spark-out-" + folder.rsplit("/", 1)[1]
    spark = (SparkSession.builder.master("local[2]").config("spark.jars", jars).config("spark.ui.enabled", "false")
             .config("spark.sql.shuffle.partitions", "2").config("spark.driver.bindAddress", "127.0.0.1")
             .config("spark.driver.host", "127.0.0.1").getOrCreate())

    def write(start, count):
        rows = spark.range(start, start + count).select(col("id").cast("string").alias("value"))
        rows.write.format("kafka").option("kafka.bootstrap.servers", brokers).option("topic", source).save()

    def carry():
        lines = (spark.readStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", source)
                 .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", "40").load())
        doubled = lines.select(col("key"), concat(col("value").cast("string"), lit("!")).alias("value"))
        query = (doubled.writeStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("topic", target)
                 .option("checkpointLocation", folder + "/checkpoint").trigger(availableNow=True).start())
        query.awaitTermination()

    for start in (0, 100):
        write(start, 100)
        carry()
    read = (spark.read.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", target)
            .option("startingOffsets", "earliest").load())
    values = [row.value.decode() for row in read.select("value").collect()]
    assert sorted(values) == sorted(f"{n}!" for n in range(200)), values
    by_time = (spark.read.format("kafka").option("kafka.bootstrap.servers", brokers).option("subscribe", target)
               .option("startingTimestamp", "1").option("endingOffsets", "latest").load())
    assert by_time.count() == 200
    spark.stop()
    print("ok")


main(*sys.argv[1:])
