use super::*;

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
