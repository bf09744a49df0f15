#!/usr/bin/env bash
# Makes the secrets that compose.yaml hands to its containers, each once: run it again, and what is
# there stays.
set -euo pipefail
cd "$(dirname "$0")"

# Only whoever owns the folder gets in; the containers, which run as other users, get single files.
mkdir -p secrets
chmod 700 secrets
for name in influxdb_admin_password influxdb_token grafana_admin_password; do
    if [[ ! -e secrets/$name ]]; then
        head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"secrets/$name"
        chmod 644 "secrets/$name"
    fi
done
echo "Grafana: user admin, password $(cat secrets/grafana_admin_password)"
