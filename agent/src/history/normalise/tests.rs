use super::*;
use crate::history::platform::Role;

fn check(id: &str, text: &str, expected: &str) {
    let platforms = Platforms::embedded();
    let platform = platforms.get(id).unwrap();
    let once = normalise(platforms, platform, text);
    assert_eq!(once, expected, "{id}");
    assert_eq!(normalise(platforms, platform, &once), once, "{id}: again");
}

#[test]
fn what_changes_by_itself_is_left_out() {
    check(
        "ios",
        "\nBuilding configuration...\n\nCurrent configuration : 1208 bytes\n!\n\
         ! Last configuration change at 10:00:00 UTC Mon Jan 5 2026 by ada\n\
         ! NVRAM config last updated at 10:01:00 UTC Mon Jan 5 2026\n!\nversion 15.2\n\
         hostname sw1 \nntp clock-period 36029056\nntp server 192.0.2.1\nend\n\n",
        "!\n!\nversion 15.2\nhostname sw1\nntp server 192.0.2.1\nend\n",
    );
    check(
        "nxos",
        "!Command: show\n!Time: Mon Jan  5 10:00:00 2026\nversion 7\n",
        "!Command: show\nversion 7\n",
    );
    check(
        "junos",
        "## Last commit: 2026-01-05 by ada\nversion 21;\n\n{master:0}\n",
        "version 21;\n",
    );
    check(
        "routeros",
        "# jan/05/2026 10:00:00 by RouterOS 6.49\n# software id = AB\n/ip dns\nset a=\\\n    b\n",
        "# «…» by RouterOS 6.49\n# software id = AB\n/ip dns\nset a=\\\n    b\n",
    );
    check(
        "asa",
        ": Saved\n: Written by ada at 10:00:00 UTC\nhostname fw\n",
        ": Saved\nhostname fw\n",
    );
}

#[test]
fn what_only_looks_like_it_stays() {
    for line in [
        "description Last configuration change at noon",
        " ntp server 192.0.2.1 key 1",
        "banner motd ^Time: money^",
        "set uptime-check enable",
        "snmp-server location Building 7",
    ] {
        check("ios", &format!("{line}\n"), &format!("{line}\n"));
    }
}

#[test]
fn blocks_of_the_device_itself_are_no_reason_for_a_version() {
    let platform = Platforms::embedded().get("fortios").unwrap();
    let text = |id: u32| {
        format!(
            "config system global\n    set a b\nend\nconfig firewall internet-service-name\n    \
             edit \"x\"\n        set internet-service-id {id}\n    next\nend\nconfig z\nend\n"
        )
    };
    assert_eq!(significant(platform, &text(1)), significant(platform, &text(2)));
    assert!(significant(platform, &text(1)).ends_with("end\nconfig z\nend\n"));
}

#[test]
fn an_answer_without_its_last_line_is_not_whole() {
    let platforms = Platforms::embedded();
    for (id, text, whole) in [
        ("ios", "hostname sw1\nend\n\n", true),
        ("ios", "hostname sw1\ninterface Vlan1\n", false),
        ("ios", "", false),
        ("vrp", "sysname r1\nreturn", true),
        ("vrp", "sysname r1\n#", false),
        ("asa", "hostname fw\nCryptochecksum:0123\n: end\n", true),
        ("asa", "hostname fw\n", false),
        ("junos", "version 21;\nsystem {\n    host-name r1;\n}\n\n{master:0}\n", true),
        ("junos", "version 21;\nsystem {\n    host-name r1;\n", false),
        ("fortios", "config system global\n    set alias x\nend\r\n", true),
        ("fortios", "config system global\n    edit 1\n    end\n    set al", false),
        ("pfsense", "<pfsense>\n</pfsense>", true),
        ("pfsense", "<pfsense>\n<system>", false),
        ("nxos", "version 7\nhostname x", true),
    ] {
        let platform = platforms.get(id).unwrap();
        let config = platform.commands.iter().find(|one| one.role == Role::Config).unwrap();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(is_whole(platforms, platform, config, &lines), whole, "{id}: {text}");
    }
}
