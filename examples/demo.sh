#!/bin/sh
# What `make demo` shows: pi by throwing darts, on an embedded server and two slots of this machine.
# Its one argument is the folder that `tasker` and `python` are in.
set -eu

PATH=$(cd "$1" && pwd):$PATH
cd "$(dirname "$0")/pi"

command -v bwrap >/dev/null || echo "bubblewrap is missing, so the best sandbox that works without it is used." \
    "To install it, on Debian and Ubuntu: apt-get install bubblewrap" >&2

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

echo '$ tasker map --local=2 -o lines --range 0:40 pi.py:throw'
tasker map --local=2 -o "$lines" --range 0:40 pi.py:throw
head -n 3 "$lines"
echo "... $(wc -l <"$lines") lines"

echo '$ python pi.py estimate < lines'
python pi.py estimate <"$lines"
