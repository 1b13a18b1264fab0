#!/usr/bin/env bash
# Sends a recording, waits, fetches the teacher's answer, with curl.  Run with: examples/ask.sh RECORDING [ANSWER [SESSION]]
set -euo pipefail

recording=${1:?"usage: examples/ask.sh RECORDING [ANSWER [SESSION]]"}
answer=${2:-answer.wav}
session=${3:-}
server=${WAIJIAO_URL:-http://127.0.0.1:8000}

if [[ ! -f $recording ]]; then
  echo "There is no file $recording." >&2
  exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
job=$folder/job.json

# The key stands in a file: on the command line every user of this machine could read it.
if [[ -n ${WAIJIAO_KEY:-} ]]; then echo "Authorization: Bearer $WAIJIAO_KEY"; fi >"$folder/headers"

ask() { # curl that tries again what may succeed later, and repeats the server's words when it is refused
  local out=$1
  shift
  if ! curl --silent --show-error --fail-with-body --max-time 60 --retry 3 --retry-connrefused --noproxy '*' \
    --header @"$folder/headers" --output "$out" "$@"; then
    if [[ -s $out ]]; then field detail <"$out" 2>/dev/null || cat "$out"; fi >&2
    exit 1
  fi
}

field() { # one field of the JSON object that is read, such as transcript.text
  python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = (value or {}).get(name)
print("" if value is None else value)' "$1"
}

# With a key of its own, a request that is sent again since its answer was lost is the same job.
ask "$job" --header "Idempotency-Key: $(python3 -c 'import uuid; print(uuid.uuid4())')" \
  --form "audio=@\"$recording\"" ${session:+--form-string "session=$session"} "$server/v1/jobs"
id=$(field id <"$job")

state=$(field state <"$job")
while [[ $state != succeeded ]]; do
  case $state in failed | canceled | expired)
    echo "$state: $(field error.detail <"$job")" >&2
    exit 1
    ;;
  esac
  echo "$state" >&2
  sleep 0.2 # a server without capacity for another long poll answers immediately
  ask "$job" "$server/v1/jobs/$id?wait=25"
  state=$(field state <"$job")
done

echo "heard:     $(field feedback.heard <"$job")"
echo "corrected: $(field feedback.corrected <"$job")"
echo "answer:    $(field answer.text <"$job")"
ask "$folder/answer" "$server$(field answer.audio <"$job")"
mv "$folder/answer" "$answer"
echo "saved:     $answer"
