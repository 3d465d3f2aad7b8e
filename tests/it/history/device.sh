#!/bin/sh
# A switch's command line: privileges, a pager that cannot be switched off, and noise that changes
# at each showing. The folder of its state is the first argument.
echo started >>"$1/sessions"
prompt='sw1>'
showing() {
    cat <<END
Building configuration...

Current configuration : $$ bytes
!
! Last configuration change at $(date) by ada
!
hostname sw1
enable secret 5 \$1\$canary
!
interface Vlan1
 ip address 192.0.2.1 255.255.255.0
 description a line that is longer than eighty columns, so that a narrow terminal would wrap it
!
snmp-server community canary RO
END
    i=0
    while [ $i -lt 40 ]; do
        echo "ip route 198.51.100.$i 255.255.255.255 192.0.2.254"
        i=$((i + 1))
    done
    echo end
}
page() {
    shown=0
    stty -icanon -echo
    while IFS= read -r line <&3; do
        if [ $shown -eq 20 ]; then
            printf -- '--More-- '
            dd bs=1 count=1 2>/dev/null
            printf '\r        \r'
            shown=0
        fi
        printf '%s\n' "$line"
        shown=$((shown + 1))
    done
    stty icanon echo
}
printf 'Authorised users only #\n\n'
while printf '%s' "$prompt" && IFS= read -r command; do
    case "$command" in
    '') ;;
    enable)
        stty -echo
        printf 'Password: '
        read -r password
        stty echo
        echo
        if [ "$password" = enable-canary ]; then prompt='sw1#'; else echo '% Bad secrets'; fi
        ;;
    'show version') echo 'Cisco IOS Software, Test Software, Version 15.2' ;;
    'show running-config')
        if [ "$prompt" = 'sw1#' ]; then
            showing >"$1/config.$$"
            page 3<"$1/config.$$"
        else
            echo "% Invalid input detected at '^' marker."
        fi
        ;;
    *) echo "% Invalid input detected at '^' marker." ;;
    esac
done
