use super::*;

fn check(id: &str, text: &str, expected: Judgement) {
    let platforms = Platforms::embedded();
    let platform = platforms.get(id).unwrap();
    let config = platform.commands.iter().find(|one| one.role == Role::Config).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(judge(platforms, platform, config, &lines), expected, "{id}: {text}");
}

#[test]
fn an_answer_without_its_last_line_is_not_whole() {
    for (id, text) in [
        ("ios", "hostname sw1\nend\n\n"),
        ("vrp", "sysname r1\nreturn"),
        ("asa", "hostname fw\nCryptochecksum:0123\n: end\n"),
        ("junos", "version 21;\nsystem {\n    host-name r1;\n}\n\n{master:0}\n"),
        ("fortios", "config system global\n    set alias x\nend\r\n"),
        ("pfsense", "<pfsense>\n</pfsense>"),
        ("nxos", "version 7\nhostname x"),
        ("routeros", "# by RouterOS\n/ip dns\nset servers=192.0.2.1\n"),
        ("vyos", "set system host-name a\nset system time-zone UTC"),
        ("vyos", "system {\n    host-name a\n}"),
        ("aoscx", "Current configuration:\n!\n!Version ArubaOS-CX PL.10.13\nhostname a\n"),
        ("netgear", "!Current Configuration:\n!\nnetwork protocol none"),
        ("procurve", "Running configuration:\n\n; J9773A\nhostname \"a\"\n"),
    ] {
        check(id, text, Judgement::Whole);
    }
    for (id, text) in [
        ("ios", "hostname sw1\ninterface Vlan1\n"),
        ("vrp", "sysname r1\n#"),
        ("asa", "hostname fw\nnames\n"),
        ("junos", "version 21;\nsystem {\n    host-name r1;\n"),
        ("fortios", "config system global\n    edit 1\n    end\n    set al"),
        ("pfsense", "<pfsense>\n<system>"),
        ("nxos", "hostname x\nfeature ssh"),
        ("aoscx", "Session timeout\nGood bye"),
        // What cannot be exported is told by a comment among the rest.
        ("routeros", "# by RouterOS\n/ip dns\n#error exporting /interface/wifi (timeout)\n"),
        ("routeros", "# by RouterOS\n/ip dns\n#interrupted\n"),
    ] {
        check(id, text, Judgement::Incomplete);
    }
    check("ios", "\n \n", Judgement::Blank);
}

#[test]
fn a_message_is_no_configuration() {
    for message in [
        "% Invalid input",
        "                ^\n% Invalid input detected at '^' marker.",
        "% Incomplete command.",
        "% Ambiguous command:  \"sh run\"",
        "% Access denied",
        "%% Unrecognized command",
        "Invalid input: show",
        "Invalid input -> running-config",
        "Ambiguous input: sh",
        "Incomplete input: show",
        "Incomplete command",
        "Unknown command",
        "unknown command: show running-config",
        "Error: Unrecognized command found at '^' position.",
        "Error: Incomplete command found at '^' position.",
        "Error: No permission to run the command.",
        "ERROR: % Invalid input detected at '^' marker.",
        "Command not found",
        "show: Command not found.",
        "-ash: show: not found",
        "sh: 1: show: not found",
        "bash: show: command not found",
        "permission denied",
        "cat: /conf/config.xml: Permission denied",
        "cat: /cf/conf/config.xml: No such file or directory",
        "Cannot execute command. Command is not authorized.",
        "Command authorization failed.",
        "Bad command",
        "Too many parameters found at '^' position.",
        "Wrong parameter found at '^' position.",
        "Permission denied.\n\n(hint: enable)",
        "You do not have the privilege for it",
        "No data",
        "Timed out",
        "Module: not running",
    ] {
        for id in ["aoscx", "netgear", "procurve", "generic", "nxos", "vyos", "routeros"] {
            check(id, message, Judgement::Refused);
        }
    }
}
