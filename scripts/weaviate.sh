#!/usr/bin/env bash
# Runs a command against a Weaviate server of its own.
#
#   bash scripts/weaviate.sh COMMAND...   starts the server with an empty folder, runs COMMAND with WEAVIATE_URL set,
#                                         stops it, and exits as COMMAND did
#   bash scripts/weaviate.sh --build      builds the server (Go 1.25 or newer, some minutes); COMMAND builds it too, if CI is set
#   bash scripts/weaviate.sh --version    prints the version; fails where the server is not built
#
# With WEAVIATE_URL set already, that server is used and none is started.
# The server's ports cannot be bound to loopback alone, so it runs in a network namespace that has nothing but loopback:
# COMMAND runs inside too, and whatever it talks to must be started there.
set -euo pipefail

version=v1.35.2
folder=${WEAVIATE_BIN:-$HOME/.cache/weaviate/$version}
server=$folder/weaviate-server

build() {
  [ -x "$server" ] && return
  command -v go >/dev/null || { echo "building Weaviate needs Go 1.25 or newer" >&2; exit 1; }
  GOBIN=$folder go install -ldflags='-s -w' "github.com/weaviate/weaviate/cmd/weaviate-server@$version"
}

case ${1:-} in
  --build) build; exit ;;
  --version)
    if [ -n "${WEAVIATE_URL:-}" ]; then echo "the server at WEAVIATE_URL"; exit; fi
    [ -x "$server" ] || [ "${CI:-}" = true ] || exit 1
    echo "$version"
    exit
    ;;
  "") echo "usage: bash scripts/weaviate.sh COMMAND..." >&2; exit 2 ;;
esac

[ -z "${WEAVIATE_URL:-}" ] || exec "$@"

if [ -z "${TAPEDECK_IN_NAMESPACE:-}" ]; then
  build
  TAPEDECK_IN_NAMESPACE=1 exec unshare --map-root-user --net bash "$0" "$@"
fi
ip link set lo up
unset TAPEDECK_IN_NAMESPACE

data=$(mktemp -d)
log=$data/server.log
mkdir "$data/store"
# ASYNC_INDEXING: without it the last vectors before a kill are lost.
env PERSISTENCE_DATA_PATH="$data/store" \
  ASYNC_INDEXING=true \
  AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=true \
  AUTOSCHEMA_ENABLED=false \
  DEFAULT_VECTORIZER_MODULE=none API_BASED_MODULES_DISABLED=true \
  CLUSTER_HOSTNAME=node1 CLUSTER_BIND_ADDR=127.0.0.1 CLUSTER_ADVERTISE_ADDR=127.0.0.1 \
  RAFT_BOOTSTRAP_EXPECT=1 RAFT_TIMEOUTS_MULTIPLIER=1 \
  GRPC_PORT=50051 DISABLE_TELEMETRY=true GO_PROFILING_DISABLE=true LOG_LEVEL=warning \
  "$server" --host 127.0.0.1 --port 8080 --scheme http >"$log" 2>&1 &
pid=$!
stop() {
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  rm -rf "$data"
}
trap stop EXIT

address=http://127.0.0.1:8080
for ((i = 0; i < 300; i++)); do
  curl -sf "$address/v1/.well-known/ready" >/dev/null && break
  if ! kill -0 "$pid" 2>/dev/null; then
    echo "the Weaviate server ended:" >&2
    tail -n 5 "$log" >&2
    exit 1
  fi
  sleep 0.2
done
if ! curl -sf "$address/v1/.well-known/ready" >/dev/null; then
  echo "the Weaviate server is not ready after 60 s" >&2
  exit 1
fi
export WEAVIATE_URL=$address
"$@"
