# Databricks notebook source
# MAGIC %md
# MAGIC # Records of a pi-lab
# MAGIC Reads the files that the lab uploads (docs/databricks.md) into a table with each record once.
# MAGIC
# MAGIC **Untested on Databricks**: written by its documentation of Auto Loader, Delta Lake and `foreachBatch`.
# MAGIC Needs Databricks Runtime 13.3 LTS or later, and the grants to create tables in the schema.

# COMMAND ----------

# `lab.databricks.volume` of the lab's configuration, and the schema that tables go to.
VOLUME = "/Volumes/main/lab/records"
SCHEMA = "main.lab"

# Where Auto Loader notes which files it has read. Outside the folder that it reads.
CHECKPOINT = "/Volumes/main/lab/checkpoints/records"

# COMMAND ----------

spark.sql(f"""
CREATE TABLE IF NOT EXISTS {SCHEMA}.records (
  topic STRING NOT NULL,
  partition INT NOT NULL,
  offset BIGINT NOT NULL,
  timestamp TIMESTAMP,
  key STRING,
  keyBase64 STRING,
  value STRING,
  valueBase64 STRING,
  headers MAP<STRING, STRING>,
  day DATE
) CLUSTER BY (topic, day)
""")

# COMMAND ----------

from delta.tables import DeltaTable
from pyspark.sql import functions as F

FILES = """
  topic STRING, partition INT, offset BIGINT, timestampMs BIGINT, key STRING, keyBase64 STRING,
  value STRING, valueBase64 STRING, headers MAP<STRING, STRING>
"""

# A record is known by these. Files may overlap after a crash of the uploader, and hold the same record twice.
IDENTITY = ["topic", "partition", "offset"]


def keep_once(batch, _batch_id):
    """Merges a batch, so that a record that is there already, or twice in the batch, is kept once."""
    once = batch.dropDuplicates(IDENTITY)
    (
        DeltaTable.forName(batch.sparkSession, f"{SCHEMA}.records")
        .alias("known")
        .merge(once.alias("new"), " AND ".join(f"known.{name} = new.{name}" for name in IDENTITY))
        .whenNotMatchedInsertAll()
        .execute()
    )


(
    spark.readStream.format("cloudFiles")
    .option("cloudFiles.format", "json")
    # The folders `partition=0` say what is in the lines as well.
    .option("cloudFiles.partitionColumns", "")
    .schema(FILES)
    .load(VOLUME)
    .withColumn("timestamp", F.expr("timestamp_millis(timestampMs)"))
    .withColumn("day", F.to_date("timestamp"))
    .drop("timestampMs")
    .writeStream.foreachBatch(keep_once)
    .option("checkpointLocation", CHECKPOINT)
    .trigger(availableNow=True)
    .start()
    .awaitTermination()
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Telemetry
# MAGIC The lab's devices publish `{"device", "time", "seq", "session", "temperatureC", "cpuLoad", …}`. Records of
# MAGIC another form are in `records` all the same, and have nulls here.

# COMMAND ----------

TELEMETRY = """
  device STRING, time STRING, seq BIGINT, session STRING, temperatureC DOUBLE, cpuLoad DOUBLE,
  underVoltage BOOLEAN, throttled BOOLEAN, clockOffsetSeconds DOUBLE
"""

# A device tells its time as ISO 8601 or as epoch milliseconds.
TIME = """
  CASE WHEN reading.time RLIKE '^[0-9]{13}$' THEN timestamp_millis(CAST(reading.time AS BIGINT))
       WHEN reading.time LIKE '____-__-__T%' THEN try_cast(reading.time AS TIMESTAMP) END
"""

spark.sql(f"""
CREATE OR REPLACE VIEW {SCHEMA}.telemetry AS
SELECT reading.device, {TIME} AS time, reading.seq, reading.session, reading.temperatureC, reading.cpuLoad,
       reading.underVoltage, reading.throttled, reading.clockOffsetSeconds,
       topic, partition, offset, timestamp AS record_time, day
FROM (
  SELECT *, from_json(value, '{" ".join(TELEMETRY.split())}') AS reading
  FROM {SCHEMA}.records
  WHERE topic = 'telemetry'
)
""")

# COMMAND ----------

# A device numbers its messages from the start of each session: gaps are lost messages.
display(
    spark.sql(f"""
SELECT device, session, count(DISTINCT seq) AS readings,
       max(seq) - min(seq) + 1 - count(DISTINCT seq) AS missing,
       count(*) - count(DISTINCT seq) AS repeated
FROM {SCHEMA}.telemetry
WHERE device IS NOT NULL
GROUP BY device, session
ORDER BY missing DESC
""")
)
