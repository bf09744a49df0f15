#!/usr/bin/env bash
# Maps a database to the bucket, so that InfluxDB 2 answers InfluxQL about it. The image of InfluxDB
# runs this once, after it has made the organisation and the bucket, and sets the variables.
set -euo pipefail

influx v1 dbrp create \
    --org "$DOCKER_INFLUXDB_INIT_ORG" \
    --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
    --db "$DOCKER_INFLUXDB_INIT_BUCKET" \
    --rp autogen \
    --default
