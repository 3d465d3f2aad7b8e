# Reads process ids, one a line. When the input ends, because whoever started the processes closed it
# or died, stops them: the last started first, each asked by SIGTERM and waited for, then, after 15 s, SIGKILL.
trap '' INT TERM HUP
ids=
while read -r id; do
    ids="$id $ids"
done

alive() { # not a zombie that nobody reaps, either
    kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

for id in $ids; do
    alive "$id" || continue
    kill -TERM "$id" 2>/dev/null
    tries=0
    while alive "$id" && [ "$tries" -lt 300 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    if alive "$id"; then kill -KILL "$id" 2>/dev/null; fi
done
