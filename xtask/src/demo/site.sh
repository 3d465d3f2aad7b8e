# site DEVICE ADDRESSES COMMAND...: gives the network namespace that this runs in a loopback with these
# addresses, and a TUN device of this name with the rest of the network behind it; then becomes the
# command.
device=$1
addresses=$2
shift 2
ip link set lo up
for address in $addresses; do
    ip address add "$address/32" dev lo
done
ip tuntap add dev "$device" mode tun
ip link set "$device" up
ip address add 192.168.88.254/24 dev "$device"
ip route add default via 192.168.88.1
exec "$@"
