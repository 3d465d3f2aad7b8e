# supervise FOLDER STOPPED COMMAND...: runs the command until it ends, or until this script is asked to
# stop; then the last line is STOPPED.
# The command's standard input is a pipe that only this script holds open: Ctrl-C, SIGTERM and SIGHUP
# close it here, and so does the script's own death, SIGKILL included. Its file descriptor 9 is a pipe
# that every process below inherits: the script ends only when all of them are gone.
folder=$1
stopped=$2
shift 2
rm -f "$folder/stop" "$folder/gone"
mkfifo "$folder/stop" "$folder/gone" || exit 1
# Each pipe is opened for both first: opening one end alone waits for somebody at the other.
exec 3<>"$folder/stop" 5<>"$folder/gone"
exec 6<"$folder/stop" 4<"$folder/gone" 7>"$folder/gone"
rm -f "$folder/stop" "$folder/gone"

trap 'exec 3>&-' INT TERM HUP
"$@" <&6 9>&7 3>&- 4<&- 5>&- 6<&- 7>&- &
command=$!
exec 5>&- 6<&- 7>&-
# Not a plain `wait`: bash may overlook a signal that comes just before it, until the next one.
while kill -0 "$command" 2>/dev/null; do
    sleep 0.5
done
wait "$command"
code=$?
# The guard ends what does not stop by itself, so this wait is short; a second Ctrl-C changes nothing.
trap '' INT TERM HUP
cat <&4
rm -f "$folder"/logs/*.pid
if [ "$code" = 0 ]; then printf '%s\n' "$stopped" >&2; fi
exit "$code"
