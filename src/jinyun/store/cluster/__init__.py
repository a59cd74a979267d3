"""Sealed Parquet of several nodes asked as one: the same Ibis expressions on embedded DuckDB and on Apache Spark.

Engines count and add whole millionths; division, rounding, classes and indices are done once, here, by the domains, on
the rows that come back. `ibis` and `pyspark` come with the extra ``cluster`` and are imported when they are used.
"""
