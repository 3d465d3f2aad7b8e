# Reads lines `PLACE PID`; a second one of a place is of whoever was started again there. When the input
# ends, because whoever started the processes closed it or died, stops them: the last place first, each
# asked by SIGTERM and waited for, then, after 15 s, SIGKILL.
trap '' INT TERM HUP
places=
while read -r place id; do
    others=
    for one in $places; do
        if [ "${one%:*}" != "$place" ]; then others="$others $one"; fi
    done
    places="$others $place:$id"
done

alive() { # not a zombie that nobody reaps, either
    kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

for one in $(printf '%s\n' $places | sort -t : -k 1,1nr); do
    id=${one#*:}
    alive "$id" || continue
    kill -TERM "$id" 2>/dev/null
    tries=0
    while alive "$id" && [ "$tries" -lt 300 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    if alive "$id"; then kill -KILL "$id" 2>/dev/null; fi
done
