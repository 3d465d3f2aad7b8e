//! Lines with a secret, and lines that only look so, per platform: as the vendors' command
//! references write them.

use super::redacted;

/// Every `canary` in them is a secret.
const SECRET: &[(&str, &[&str])] = &[
    (
        "ios",
        &[
            " key 6 [canary]^",
            "  key-string 6 `canary",
            " neighbor 192.0.2.9 password 6 [canary",
            "enable password (canary",
            "enable password \"canary",
            "  authentication mode hmac-sha-256 7 canary",
            "rmon event 3 log trap canary owner noc",
            " standby authentication canary",
            " vrrp 4 authentication text canary",
            " ospfv3 authentication ipsec spi 300 sha1 canary",
            " ipv6 ospf authentication ipsec spi 301 md5 7 canary",
            " set session-key inbound esp 400 cipher canary authenticator canary",
            " encryption vlan 5 key 2 size 128bit 7 canary transmit-key",
            " security static-wep-key encryption 104 ascii 0 canary 2",
            "snmp-server host 192.0.2.7 vrf OOB informs version 2c canary udp-port 162",
            "snmp mib community-map canary engineid 80001",
            "archive\n path ftp://:canary@192.0.2.7/x",
        ],
    ),
    (
        "iosxr",
        &[
            "   key-string password 0canary",
            "   key-string password6 canary",
            "snmp-server host 192.0.2.7 traps version 2c encrypted canary",
            "snmp-server host 192.0.2.7 traps version 2c clear canary udp-port 162",
            "snmp-server community clear canary RO",
            "snmp-server community encrypted canary SystemOwner",
            " secret 10 $6$canary",
            "  hello-password hmac-md5 encrypted canary",
        ],
    ),
    (
        "nxos",
        &[
            "rmon event 2 log trap canary description ERROR(2) owner PMON@ERROR",
            "  hsrp 4\n    authentication text canary",
            "    key-octet-string 7 canary cryptographic-algorithm AES_128_CMAC",
            "snmp-server user ada network-admin auth sha 0xcanary priv aes-128 0xcanary localizedkey",
            "radius-server host 192.0.2.7 key 7 \"canary\" authentication accounting",
            "username ada password 5 $5$canary  role network-operator",
        ],
    ),
    (
        "asa",
        &[
            "failover key canary",
            "cluster group a\n key canary",
            " radius-common-pw canary",
            " authentication-key eigrp 7 canary key-id 2",
            "isakmp key canary address 192.0.2.7",
            "snmp-server host outside 192.0.2.7 community canary version 2c",
            " ldap-login-password canary",
        ],
    ),
    (
        "junos",
        &[
            "groups {\n    node1 {\n        snmp {\n            community canary {\n",
            "inactive: snmp {\n    inactive: community canary {\n    }\n}\n",
            "snmp {\n    community \"can canary\" {\n",
            "set groups node1 snmp community canary authorization read-only",
            "deactivate snmp community canary",
            "    simple-password \"$9$canary\"; ## SECRET-DATA",
        ],
    ),
    (
        "eos",
        &[
            "   key 0a1b2c3d 7 canary",
            "   neighbor 192.0.2.9 password 8a $canary=",
            "tacacs-server host 192.0.2.9 key 8a $canary=",
            "   vrrp 3 peer authentication text canary",
            "   exec /usr/bin/TerminAttr -cvaddr=192.0.2.9:9910 -cvauth=key,canary -cvvrf=default",
            "   exec /usr/bin/TerminAttr -ingestauth=key,canary -smashexcludes=ale",
            "   ospfv3 authentication ipsec spi 10 sha1 passphrase 7 canary",
        ],
    ),
    (
        "fortios",
        &[
            "        set private-key \"-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\ncanary\n\
             -----END OPENSSH PRIVATE KEY-----\"",
            "config system snmp community\n    edit 1\n        config hosts\n            edit 1\n\
                             next\n        end\n        set name \"canary\"\n",
            "config vdom\nedit root\n    config system snmp community\n        set name canary\n",
            "        set passphrase ENC canary",
            "        set key ENC canary",
        ],
    ),
    (
        "aoscx",
        &[
            "snmpv3 user ada auth sha auth-pass plaintext canary priv aes priv-pass plaintext canary",
            "radius-server host 192.0.2.7 key ciphertext canary",
            "snmpv3 context a vrf default community canary",
        ],
    ),
    (
        "procurve",
        &[
            "password manager user-name \"ada\" sha1 \"canary\"",
            "password operator plaintext canary",
            "radius-server host 192.0.2.7 encrypted-key \"canary\"",
            "key-chain \"a\" key 1 encrypted-key \"canary\"",
            "sntp authentication key-id 1 authentication-mode md5 key-value \"canary\" trusted",
            "snmpv3 user \"ada\" auth md5 \"canary\" priv \"canary\"",
            "snmpv3 community index \"1\" name \"canary\" sec-name \"managerpriv\"",
            "snmp-server community \"canary\" operator",
        ],
    ),
    (
        "routeros",
        &[
            "/tool romon\nset enabled=yes secrets=canary",
            "/interface macsec\nadd cak=canary ckn=0011 name=m1",
            "/interface lte\nset [ find default-name=lte1 ] pin=canary",
            "/container envs\nadd key=DB_PASS name=a value=canary",
            "/system script\nadd name=a source=\":local pass \\\"canary\\\"\"",
            "add on-event=\"/tool fetch url=\\\"https://api.telegram.org/bot77:canarycanarycanarycanary\\\"\"",
            "/ip/snmp/community/set name=canary",
            "/interface wireguard\nadd private-key=\"canary=\" name=wg",
            "/ppp secret\nadd name=a password=can\\\n    arycanary",
        ],
    ),
    (
        "vyos",
        &[
            "set interfaces ethernet eth1 ip ospf authentication md5 key-id 7 md5-key 'canary'",
            "set service snmp v3 user ada auth encrypted-key 0xcanary",
            "set interfaces macsec m0 security mka cak 'canary'",
            "set protocols isis area-password plaintext-password canary",
            "service {\n    snmp {\n        community canary {\n            authorization ro\n",
            "set system login user ada authentication otp key 'canary'",
        ],
    ),
    (
        "comware",
        &[
            " snmp-agent usm-user v3 ada G cipher authentication-mode sha $c$3$canary== privacy-mode \
             aes128 $c$3$canary",
            "snmp-agent target-host trap address udp-domain 192.0.2.7 params securityname canary v2c",
            " ospf authentication-mode md5 1 plain canary",
            " vrrp vrid 2 authentication-mode md5 canary",
            " password hash $h$6$canary",
            " primary authentication 192.0.2.7 key canary",
        ],
    ),
    (
        "vrp",
        &[
            " security wpa-wpa2 psk pass-phrase %^%#canary%^%# aes",
            "snmp-agent target-host trap address udp-domain 192.0.2.7 params securityname cipher \
             %^%#canary%^%# v2c",
            " isis authentication-mode md5 plain canary",
            "snmp-agent usm-user v3 ada G authentication-mode md5 canary privacy-mode aes128 canary",
            " local-user ada password irreversible-cipher $1a$ca;canary$",
        ],
    ),
    (
        "netgear",
        &[
            "users passwd \"ada\" encrypted canary",
            "radius server key auth \"192.0.2.7\" encrypted canary",
            "snmptrap \"canary\" ipaddr 192.0.2.7",
            "snmp-server user \"ada\" G auth-md5-key canary priv-des-key canary",
            "users snmpv3 encryption \"ada\" des \"canary\"",
            "snmp user \"ada\" \"G\" auth sha encrypted canary priv encrypted canary",
            "snmp-server host 192.0.2.7 traps version 2 \"canary\"",
        ],
    ),
    (
        "tplink",
        &[
            "snmp-server host 192.0.2.7 162 \"canary\" smode v2c slev noAuthNoPriv type trap",
            "snmp-server user \"a\" local \"g\" smode v3 slev authPriv cmode MD5 cpwd \"canary\" \
             emode DES epwd \"canary\"",
            "tacacs-server host 192.0.2.7 port 49 timeout 5 key 0 \"canary\"",
        ],
    ),
    (
        "pfsense",
        &[
            "<password>ca]canary</password>",
            "<ldap_bindpw><![CDATA[ca<canary]]></ldap_bindpw>",
            "<password><![CDATA[ca]canary]]></password>",
            "<auth_pass><![CDATA[canary]]></auth_pass>",
            "<radiuskey2>canary</radiuskey2>",
            "<keydata>canary</keydata>",
            "<trapstring>canary</trapstring>",
            "<pkcs11pin>canary</pkcs11pin>",
            "<password type=\"a\">canary</password>",
            "<updateurl>https://dyn.example/?host=a&amp;key=canary</updateurl>",
        ],
    ),
    (
        "opnsense",
        &[
            "<otp_seed>canary</otp_seed>",
            "<privkey>canary</privkey>",
            "<md5_key>canary</md5_key>",
            "<GDriveP12key>canary</GDriveP12key>",
            "<dns_cf_token>canary</dns_cf_token>",
        ],
    ),
    (
        "generic",
        &[
            "{\"password\": \"canary\"}",
            "PrivateKey = canary=",
            "\toption key 'canary'",
            "-----BEGIN OpenVPN Static key V1-----\ncanary\n-----END OpenVPN Static key V1-----",
        ],
    ),
];

/// Nothing in them is a secret.
const HARMLESS: &[(&str, &[&str])] = &[
    (
        "ios",
        &[
            "snmp-server host 192.0.2.7 traps version 3 auth ada bgp",
            " neighbor 192.0.2.9 send-community extended",
            "security passwords min-length 10",
            "ntp server 192.0.2.7 key 12",
            " ip authentication key-chain eigrp 7 A",
        ],
    ),
    (
        "nxos",
        &[
            "snmp-server host 192.0.2.7 use-vrf management",
            "snmp-server host 192.0.2.7 source-interface mgmt0",
            "snmp-server host 192.0.2.7 filter-vrf default",
            "password secure-mode",
        ],
    ),
    ("asa", &["snmp-server host inside 192.0.2.7 poll version 3 ada"]),
    (
        "junos",
        &[
            "policy-options {\n    community a members 65000:1;\n}",
            "            then {\n                community add a;",
            "set policy-options policy-statement a term 1 then community add b",
        ],
    ),
    ("procurve", &["snmp-server host 192.0.2.7 trap-level all", "password complexity all"]),
    ("aoscx", &["password configuration", "ntp server 192.0.2.7 key-id 3"]),
    (
        "routeros",
        &[
            "add authentication-types=wpa2-psk eap-methods=\"\" mode=dynamic-keys name=a",
            "add public-key=\"abc=\" endpoint-port=13231",
            "add key=0 static-transmit-key=key-0",
            "set key-size=2048",
        ],
    ),
    ("vyos", &["route-map a {\n    set {\n        community \"65000:1 additive\"\n    }\n}"]),
    ("vrp", &["ssh server cipher aes256_gcm aes128_gcm", "undo password alert before-expire"]),
    ("comware", &["password-control length 12", " ssh2 algorithm cipher aes256-ctr"]),
    ("netgear", &["passwords min-length 8", "snmptrap mode"]),
    ("pfsense", &["<hashalgorithm>sha256</hashalgorithm>", "<passwordauth>enabled</passwordauth>"]),
    ("generic", &["set key-lifetime 3600"]),
];

#[test]
fn no_secret_of_any_platform_is_told() {
    let told = SECRET.iter().flat_map(|(id, lines)| lines.iter().map(move |line| (id, line)));
    let told = told.map(|(id, line)| (id, line, redacted(id, line)));
    let told: Vec<_> = told.filter(|(_, _, got)| got.contains("canary")).collect();
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn marks_stand_only_in_place_of_secrets() {
    for (id, lines) in HARMLESS {
        for line in *lines {
            assert_eq!(redacted(id, line), *line, "{id}");
        }
    }
}

#[test]
fn a_value_ends_with_its_line() {
    for text in ["enable password a\\\n interface x", "enable password \"a\nhostname \"b\""] {
        let got = redacted("ios", text);
        assert_eq!(got.lines().nth(1), text.lines().nth(1), "{got}");
    }
}
