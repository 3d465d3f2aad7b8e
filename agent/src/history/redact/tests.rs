mod lines;

use super::*;

const KEY: [u8; SiteKey::BYTES] = [7; SiteKey::BYTES];

fn redacted(id: &str, text: &str) -> String {
    let platforms = Platforms::embedded();
    redact(platforms, platforms.get(id).unwrap(), &SiteKey::new(&KEY), text)
}

/// `…` stands for a mark in what is expected.
fn check(id: &str, text: &str, expected: &str) {
    let got = redacted(id, text);
    let mark = Regex::new("«secret(?::[0-9a-f]{8})?»").unwrap();
    assert_eq!(mark.replace_all(&got, "…"), expected, "{id}: {text}");
    assert!(!got.contains("canary"), "{got}");
    assert_eq!(redacted(id, &got), got, "a second pass finds nothing");
}

#[test]
fn secrets_of_cisco() {
    for (line, expected) in [
        ("enable secret 9 $9$canary", "enable secret 9 …"),
        ("enable password canary", "enable password …"),
        ("enable password level 15 7 canary", "enable password level 15 7 …"),
        ("username ada privilege 15 secret 5 $1$canary", "username ada privilege 15 secret 5 …"),
        (
            " mgmtuser username ada password 0 canary one secret 0 canary two",
            " mgmtuser username ada password 0 … secret 0 …",
        ),
        (" security wpa psk set-key ascii 0 canary two", " security wpa psk set-key ascii 0 …"),
        ("snmp-server community canary RO 10", "snmp-server community … RO 10"),
        ("snmp-server host 192.0.2.1 version 2c canary", "snmp-server host 192.0.2.1 version 2c …"),
        ("snmp-server host 192.0.2.1 canary", "snmp-server host 192.0.2.1 …"),
        (
            "snmp-server user ada G v3 auth sha canary1 priv aes 128 canary2",
            "snmp-server user ada G v3 auth sha … priv aes 128 …",
        ),
        (
            "snmp-server user ada network-admin auth md5 0xcanary priv 0xcanary localizedkey",
            "snmp-server user ada network-admin auth md5 … priv … localizedkey",
        ),
        ("tacacs-server host 192.0.2.1 key 7 canary", "tacacs-server host 192.0.2.1 key 7 …"),
        ("  key-string 7 canary", "  key-string 7 …"),
        (" client 192.0.2.1 server-key 7 canary", " client 192.0.2.1 server-key 7 …"),
        (" key canary", " key …"),
        (" ip ospf message-digest-key 1 md5 7 canary", " ip ospf message-digest-key 1 md5 7 …"),
        (" ip ospf authentication-key canary", " ip ospf authentication-key …"),
        (
            " standby 1 authentication md5 key-string canary",
            " standby 1 authentication md5 key-string …",
        ),
        (" neighbor 192.0.2.1 password 7 canary", " neighbor 192.0.2.1 password 7 …"),
        ("crypto isakmp key canary address 192.0.2.1", "crypto isakmp key … address 192.0.2.1"),
        (" pre-shared-key local canary", " pre-shared-key local …"),
        (" pre-shared-key address 192.0.2.1 key canary", " pre-shared-key address 192.0.2.1 key …"),
        ("ntp authentication-key 1 md5 canary 7", "ntp authentication-key 1 md5 … 7"),
        ("key config-key password-encrypt canary", "key config-key password-encrypt …"),
        (" standby 1 authentication canary", " standby 1 authentication …"),
        (" ip nhrp authentication canary", " ip nhrp authentication …"),
        (" url http://ada:canary@192.0.2.1/x", " url http://ada:…@192.0.2.1/x"),
    ] {
        check("ios", line, expected);
    }
    check("asa", "passwd canary encrypted", "passwd … encrypted");
    check(
        "asa",
        "username ada password $sha512$5000$canary== pbkdf2",
        "username ada password … pbkdf2",
    );
}

#[test]
fn secrets_of_others() {
    for (id, text, expected) in [
        ("routeros", "set password=\"can\\\"canary\" a=b\n", "set password=\"…\" a=b\n"),
        (
            "routeros",
            "add wpa2-pre-shared-key=can\\\n    arycanary name=x\n",
            "add wpa2-pre-shared-key=… name=x\n",
        ),
        (
            "routeros",
            "add name=x secret=\\\n    \"canary one\"\n",
            "add name=x secret=\\\n    \"…\"\n",
        ),
        (
            "routeros",
            "/snmp community\nset [ find ] name=canary\nadd name=canary2\n/user\nadd name=ada\n",
            "/snmp community\nset [ find ] name=…\nadd name=…\n/user\nadd name=ada\n",
        ),
        ("routeros", "add private-key=\"canary=\" a=1", "add private-key=\"…\" a=1"),
        (
            "junos",
            "    encrypted-password \"$6$canary\"; ## SECRET-DATA\n",
            "    encrypted-password \"…\"; ## SECRET-DATA\n",
        ),
        (
            "junos",
            "snmp {\n    community canary {\n    }\n}\npolicy {\n    community c members 1:1;\n}\n",
            "snmp {\n    community … {\n    }\n}\npolicy {\n    community c members 1:1;\n}\n",
        ),
        (
            "junos",
            "set snmp community canary authorization read-only",
            "set snmp community … authorization read-only",
        ),
        ("fortios", "        set psksecret ENC canary/+==\n", "        set psksecret ENC …\n"),
        (
            "fortios",
            "set private-key \"-----BEGIN ENCRYPTED PRIVATE KEY-----\ncanary\ncanary\n\
             -----END ENCRYPTED PRIVATE KEY-----\"\n",
            "set private-key \"-----BEGIN ENCRYPTED PRIVATE KEY-----\n…\n\
             -----END ENCRYPTED PRIVATE KEY-----\"\n",
        ),
        (
            "aoscx",
            "user admin group administrators password ciphertext canary",
            "user admin group administrators password ciphertext …",
        ),
        (
            "aoscx",
            "snmp-server host 192.0.2.1 trap version v2c community canary ",
            "snmp-server host 192.0.2.1 trap version v2c community … ",
        ),
        (
            "netgear",
            "snmp user \"ada\" \"A\" auth md5 encrypted canary",
            "snmp user \"ada\" \"A\" auth md5 encrypted …",
        ),
        ("netgear", "snmp community \"canary\" enable ro", "snmp community \"…\" enable ro"),
        (
            "netgear",
            "snmp host 192.0.2.1 enable version 2c \"canary\" ",
            "snmp host 192.0.2.1 enable version 2c \"…\" ",
        ),
        (
            "tplink",
            "user name ada privilege admin secret 5 canary",
            "user name ada privilege admin secret 5 …",
        ),
        (
            "vyos",
            "set service snmp community canary authorization 'ro'",
            "set service snmp community … authorization 'ro'",
        ),
        (
            "vyos",
            "set vpn ipsec peer x authentication pre-shared-secret 'canary'",
            "set vpn ipsec peer x authentication pre-shared-secret '…'",
        ),
        ("vyos", "        plaintext-password \"\"", "        plaintext-password \"\""),
        (
            "vrp",
            " local-user ada password irreversible-cipher $1a$canary",
            " local-user ada password irreversible-cipher …",
        ),
        (
            "vrp",
            "snmp-agent community read cipher %^%#canary%^%#",
            "snmp-agent community read cipher …",
        ),
        (
            "comware",
            " authentication-mode md5 1 cipher canary",
            " authentication-mode md5 1 cipher …",
        ),
        (
            "eos",
            "username ada role x secret sha512 $6$canary",
            "username ada role x secret sha512 …",
        ),
        ("pfsense", "<bcrypt-hash>$2b$10$canary</bcrypt-hash>", "<bcrypt-hash>…</bcrypt-hash>"),
        (
            "pfsense",
            "<rocommunity>canary</rocommunity><prv>canary</prv>",
            "<rocommunity>…</rocommunity><prv>…</prv>",
        ),
        ("generic", "wifi passphrase: canary", "wifi passphrase: …"),
        ("generic", "api_token = canary", "api_token = …"),
        (
            "generic",
            "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n…\n-----END OPENSSH PRIVATE KEY-----\n",
        ),
    ] {
        check(id, text, expected);
    }
}

#[test]
fn what_is_no_secret_stays() {
    for (id, text) in [
        ("ios", "service password-encryption"),
        ("ios", "key chain ospf\n key 1\n  accept-lifetime local 00:00:00 Jan 1 2026 infinite"),
        ("ios", "crypto key generate rsa"),
        ("ios", " set community 65000:1 additive\nip community-list 1 permit 65000:1"),
        ("ios", " neighbor 192.0.2.1 send-community both"),
        ("ios", "aaa authentication login default group tacacs+ local"),
        ("ios", "snmp-server host 192.0.2.1 version 3 auth ada"),
        ("asa", "password encryption aes\nno snmp-server location"),
        ("nxos", "no password strength-check"),
        ("aoscx", "!export-password: default"),
        ("routeros", "set always-allow-password-login=yes\nset password=\"\""),
        ("junos", "authentication-order [ password radius ];\nauthentication {"),
        ("fortios", "    set password-expire 0\n    set key-outbound enable"),
        ("vrp", "ssh server cipher aes256_ctr aes128_ctr"),
        ("pfsense", "<password></password><ssl-certref>676149</ssl-certref>"),
    ] {
        assert_eq!(redacted(id, text), text, "{id}");
    }
}

#[test]
fn a_mark_is_of_the_secret_and_the_site_alone() {
    let one = redacted("ios", "enable password canary");
    assert_eq!(one, redacted("ios", "enable password \"canary\"").replace('"', ""));
    assert_ne!(one, redacted("ios", "enable password canarz"));
    let platforms = Platforms::embedded();
    let other = SiteKey::new(&[8; SiteKey::BYTES]);
    let ios = platforms.get("ios").unwrap();
    assert_ne!(one, redact(platforms, ios, &other, "enable password canary"));
    // The same, from another implementation of HMAC-SHA-256.
    assert!(one.ends_with("«secret:7e6dab2d»"), "{one}");
    assert_eq!(format!("{other:?}"), "SiteKey(…)");
}
