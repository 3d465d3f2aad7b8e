use super::*;

fn check(id: &str, text: &str, expected: &str) {
    let platforms = Platforms::embedded();
    let platform = platforms.get(id).unwrap();
    let shown = |text: &str| settle(platforms, platform, &normalise(platforms, platform, text));
    let once = shown(text);
    assert_eq!(once, expected, "{id}");
    assert_eq!(shown(&once), once, "{id}: again");
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

/// Of each: what changes from hour to hour, and what does not.
#[test]
fn lines_of_the_hour_go_and_all_others_stay() {
    for (id, gone, kept) in [
        (
            "ios",
            "Building configuration...\nCurrent configuration : 1208 bytes\n\
             Using 4096 out of 524288 bytes\nStartup configuration : 99 bytes\n\
             ! Last configuration change at 10:00:00 UTC Mon Jan 5 2026\n\
             ! NVRAM config last updated at 10:01:00 UTC Mon Jan 5 2026 by ada\n\
             ! No configuration change since last restart\nntp clock-period 36029056\n\
             Load for five secs: 1%/0%; one minute: 1%; five minutes: 1%\n\
             Time source is NTP, 10:00:00.000 UTC Mon Jan 5 2026\n",
            "! Processor ID: FCL\nversion 17.3\nboot system flash:x\nntp server 192.0.2.1\n\
             service timestamps log datetime msec\nclock timezone CET 1 0\n",
        ),
        (
            "iosxr",
            "Mon Jan  5 10:00:00.123 UTC\nBuilding configuration...\n\
             !! IOS XR Configuration 7.3.2\n\
             !! Last configuration change at Mon Jan  5 10:00:00 2026 by ada\n",
            "hostname r1\nclock timezone CET Europe/Berlin\n",
        ),
        (
            "nxos",
            "!Time: Mon Jan  5 10:00:00 2026\n\
             !Running configuration last done at: Mon Jan  5 10:00:00 2026\n\
             !NVRAM config last updated at: Mon Jan  5 10:00:00 2026\n",
            "!Command: show running-config\nversion 9.3(5) Bios:version 05.33\nclock timezone CET 1 0\n",
        ),
        (
            "asa",
            ": Written by ada at 10:00:00.123 UTC Mon Jan 5 2026\n",
            ": Saved\n: Serial Number: JAD\nASA Version 9.12(4)67\nCryptochecksum:0123\n: end\n",
        ),
        (
            "junos",
            "## Last commit: 2026-01-05 10:00:00 UTC by ada\n\
             ## Last changed: 2026-01-05 10:00:00 UTC\n{master:0}\n{primary:node0}\n",
            "version 21.4R3;\nsystem {\n    time-zone UTC;\n}\n",
        ),
        (
            "eos",
            "! Startup-config last modified at Mon Jan  5 10:00:00 2026 by ada\n",
            "! Command: show running-config\n! device: sw1 (DCS-7050SX3-48YC8, EOS-4.28.3M)\n!\n\
             ! boot system flash:/EOS-4.28.3M.swi\nhostname sw1\nclock timezone UTC\n",
        ),
        (
            "fortios",
            "#conf_file_ver=184467440737095516\n",
            "#config-version=FGT60F-7.4.7-FW-build2731-250120:opmode=1:vdom=1:user=ada\n\
             #buildno=2731\n#global_vdom=1\nconfig system global\nend\n",
        ),
        (
            "aoscx",
            "",
            "Current configuration:\n!\n!Version ArubaOS-CX PL.10.13.0005\n\
             !export-password: default\nhostname sw1\nclock timezone europe/berlin\n",
        ),
        (
            "vrp",
            "!Last configuration was updated at 2026-01-05 10:00:00+01:00 by ada\n\
             !Last configuration was saved at 2026-01-05 10:00:00 by ada\n",
            "!Software Version V200R019C10SPC500\n#\nsysname r1\nclock timezone CET add 01:00:00\n",
        ),
        (
            "comware",
            "%Jan  5 10:00:00:123 2026 sw1 SHELL/5/SHELL_LOGIN: ada logged in from 192.0.2.1.\n",
            "#\n version 7.1.070, Release 6635\n#\n sysname sw1\n clock timezone CET add 01:00:00\n",
        ),
        (
            "netgear",
            "!Current SNTP Synchronized Time: SNTP Client Mode Is Disabled\n\
             !System Up Time          \"12 days 3 hrs 4 mins 5 secs\"\n\
             ! System Up Time: 123 days, 21 hours, 50 mins, 5 secs\n",
            "!Current Configuration:\n!\n!System Description \"M4300-28G\"\n\
             !System Software Version \"12.0.17.10\"\n!Additional Packages QOS\n\
             ! MAC Address: FF:FF:FF:FF:FF:FF\nnetwork protocol none\n",
        ),
        ("tplink", "", "!T2600G-28TS\n#\nvlan 10\n name \"office\"\n#\nend\n"),
        (
            "vyos",
            "",
            "system {\n    time-zone UTC\n}\n/* Warning: Do not remove the following line. */\n\
             /* === vyatta-config-version: \"dhcp-server@4\" === */\n\
             /* Release version: v2.0.9-hotfix.7 */\n// Release version: 1.4.0\n",
        ),
        (
            "routeros",
            "# poe-out status: short_circuit\n# lte1 not ready\n# managed by CAPsMAN\n\
             # channel: 5180/20-Ceee/ac/DP(15dBm), SSID: a, local forwarding\n\
             # DFS channel availability check (1 min)\n# no link\n",
            "# software id = AB12-CD34\n#\n# model = RB4011iGS+\n# serial number = 0123\n\
             /system clock\nset time-zone-name=Europe/Berlin\n",
        ),
    ] {
        check(id, &format!("{gone}{kept}"), kept);
        let (first, rest) = kept.split_once('\n').unwrap();
        check(id, &format!("{first}\n{gone}{rest}"), kept);
    }
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

/// Facts are comments by then.
#[test]
fn an_hour_later_all_is_the_same() {
    let platforms = Platforms::embedded();
    for (id, now, later) in [
        (
            "vrp",
            "# HUAWEI S5700 Routing Switch uptime is 0 week, 1 day, 2 hours\nsysname a\n",
            "# HUAWEI S5700 Routing Switch uptime is 0 week, 1 day, 3 hours\nsysname a\n",
        ),
        (
            "ios",
            "*Mar  1 08:00:01.500: %SYS-5-CONFIG_I: Configured from console\nhostname a\n",
            "hostname a\n",
        ),
        (
            "ios",
            "*08:00:01.500 UTC Sun Mar 1 2026\nhostname a\nntp clock-period 17179860\n",
            "*09:00:01.700 UTC Sun Mar 1 2026\nhostname a\nntp clock-period 17179866\n",
        ),
        (
            "iosxr",
            "Sun Mar  1 08:00:01.500 UTC\nhostname a\n",
            "RP/0/RSP0/CPU0:Mar  1 09:00:01.500 UTC: config[1]: %MGBL-CONFIG-6-DB_COMMIT : x\n\
             hostname a\n",
        ),
        (
            "nxos",
            "!Running configuration last done at: Sun Mar  1 07:00:00 2026\n!Time: 08:00\n\
             version 9\n",
            "!Running configuration last done at: Sun Mar  1 08:30:00 2026\n!Time: 09:00\n\
             version 9\n",
        ),
        (
            "eos",
            "! Startup-config last modified at Sun Mar  1 07:00:00 2026 by ada\nhostname a\n",
            "! Startup-config last modified at Sun Mar  1 08:30:00 2026 by bob\nhostname a\n",
        ),
        ("junos", "version 21;\n{primary:node0}\n", "version 21;\n{hold:node0}\n"),
        (
            "netgear",
            "!Current SNTP Synchronized Time: Mar  1 08:00:00 2026 UTC\n\
             !System Up Time \"1 days\"\nx\n",
            "!Current SNTP Synchronized Time: Mar  1 09:00:00 2026 UTC\n\
             !System Up Time \"2 days\"\nx\n",
        ),
        (
            "routeros",
            "# 2026-03-01 08:00:00 by RouterOS 7.10\n# poe-out status: overload\n/ip dns\n",
            "# 2026-03-01 09:00:00 by RouterOS 7.10\n/ip dns\n",
        ),
        (
            "comware",
            "%Mar  1 08:00:01:500 2026 core SHELL/5/SHELL_LOGIN: ada logged in\nsysname a\n",
            "sysname a\n",
        ),
        (
            "fortios",
            "# Current HA mode: a-p, primary\n    set last-updated 1772352000\n",
            "# Current HA mode: a-p, secondary\n    set last-updated 1772355600\n",
        ),
        (
            "pfsense",
            "<lastchange>1772352000</lastchange>\n<revision>\n<time>1772352000.5</time>\n\
             <description>ada</description>\n</revision>\n<x>y</x>\n",
            "<lastchange>1772355600</lastchange>\n<revision>\n<time>1772355600.7</time>\n\
             <description>a package</description>\n</revision>\n<x>y</x>\n",
        ),
        (
            "opnsense",
            "<revision version=\"1.0.0\"><time>1772352000.5</time></revision>\n<x>y</x>\n",
            "<revision version=\"1.0.0\"><time>1772355600.5</time></revision>\n<x>y</x>\n",
        ),
    ] {
        let platform = platforms.get(id).unwrap();
        let shown = |text: &str| {
            let text = settle(platforms, platform, &normalise(platforms, platform, text));
            significant(platform, &text)
        };
        assert_eq!(shown(now), shown(later), "{id}");
        assert!(!shown(now).is_empty(), "{id}: something is left");
    }
}

#[test]
fn a_block_of_one_line_ends_there() {
    let platform = Platforms::embedded().get("opnsense").unwrap();
    let text = "<a>1</a>\n<revision><time>1</time></revision>\n<b>2</b>\n";
    assert_eq!(significant(platform, text), "<a>1</a>\n<b>2</b>\n");
}

#[test]
fn many_values_in_one_section_take_one_pass() {
    let platforms = Platforms::embedded();
    let fortios = platforms.get("fortios").unwrap();
    let policy = "    edit 1\n        set name \"a\"\n    next\n".repeat(50_000);
    let text = format!(
        "config firewall policy\n{policy}end\nconfig system snmp community\n    edit 1\n        \
         set name \"canary\"\n    next\nend\n"
    );
    let rule = fortios.secret.iter().find(|rule| rule.within.is_some()).unwrap();
    let masked = replace(&text, rule, |_| Some("X".to_owned()));
    assert_eq!(masked, text.replace("\"canary\"", "X"));
}
