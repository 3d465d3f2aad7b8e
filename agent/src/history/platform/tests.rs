use super::*;

#[test]
fn the_data_is_sound() {
    let platforms = Platforms::embedded();
    let mut ids: Vec<&str> = platforms.ids().collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands twice");
    for id in ids {
        let platform = platforms.get(id).unwrap();
        let configs = platform.commands.iter().filter(|command| command.role == Role::Config);
        assert!(configs.count() >= 1, "{id} has no command for its configuration");
        for command in &platform.commands {
            assert!(!command.send.is_empty(), "{id}");
            let facts = command.role == Role::Facts;
            assert_eq!(facts, !command.keep.is_empty(), "{id}: facts are kept by name");
            assert!(!facts || command.end.is_none(), "{id}: facts have no end of their own");
        }
        if let Some(contexts) = &platform.contexts {
            assert!(contexts.one.contains("{name}"), "{id}");
            assert!(contexts.name.capture_names().flatten().any(|name| name == "v"), "{id}");
        }
        let rules = platform.volatile.iter().chain(&platform.secret);
        for rule in rules.chain(&platforms.volatile).chain(&platforms.secret) {
            let mut names = rule.find.capture_names().flatten();
            assert!(names.any(|name| name == "v"), "{id}: {} has no value", rule.find);
        }
        let known =
            id == GENERIC || !(platform.recognise.is_empty() && platform.greeting.is_empty());
        assert!(known, "{id} cannot be recognised");
    }
    assert!(platforms.get(GENERIC).is_some());
}

#[test]
fn platforms_are_recognised() {
    let platforms = Platforms::embedded();
    for (text, id) in [
        ("Cisco IOS XR Software, Version 7.3.2", "iosxr"),
        ("Cisco IOS Software, C2960 Software", "ios"),
        ("Cisco IOS XE Software, Version 17.03", "ios"),
        ("Cisco Nexus Operating System (NX-OS) Software", "nxos"),
        ("Cisco Adaptive Security Appliance Software Version 9.8", "asa"),
        ("Hostname: mx1\nModel: mx204\nJunos: 21.2R3", "junos"),
        ("Arista DCS-7050\nSoftware image version: 4.28", "eos"),
        ("Version: FortiGate-60F v7.0.1", "fortios"),
        ("ArubaOS-CX\nVersion : FL.10.10", "aoscx"),
        ("Version:          VyOS 1.4", "vyos"),
        ("HPE Comware Software, Version 7.1.070", "comware"),
        ("Huawei Versatile Routing Platform Software\nVRP (R) software", "vrp"),
    ] {
        assert_eq!(platforms.by_answer(text).map(|one| one.id.as_str()), Some(id), "{text}");
    }
    for (text, id) in [
        ("[admin@gw-1] > ", "routeros"),
        ("--- JUNOS 21.2R3 built 2021\nuser@mx1> ", "junos"),
        ("[2.7.0-RELEASE][admin@fw.lan]/root: ", "pfsense"),
    ] {
        assert_eq!(platforms.by_greeting(text).map(|one| one.id.as_str()), Some(id), "{text}");
    }
    assert!(platforms.by_answer("Invalid input").is_none());
    for (text, id) in [
        ("command parse error before 'version'\nCommand fail. Return code -61", Some("fortios")),
        ("Unknown action 0", Some("fortios")),
        ("bad command name show (line 1 column 1)", Some("routeros")),
        ("% Invalid input detected at '^' marker.", None),
    ] {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(platforms.is_refusal(&lines), "{text}");
        assert_eq!(platforms.by_refusal(text).map(|one| one.id.as_str()), id, "{text}");
    }
}

#[test]
fn what_snmp_tells_names_the_platform() {
    let platforms = Platforms::embedded();
    for (object_id, descr, id) in [
        ("1.3.6.1.4.1.14988.1", "RouterOS RB750Gr3", Some("routeros")),
        (".1.3.6.1.4.1.9.1.1", "Cisco NX-OS(tm) n3000", Some("nxos")),
        ("1.3.6.1.4.1.9.1.1", "Cisco IOS Software", Some("ios")),
        ("1.3.6.1.4.1.99999", "something", None),
    ] {
        let platform = platforms.by_snmp(object_id, descr);
        assert_eq!(platform.map(|one| one.id.as_str()), id, "{descr}");
    }
}

#[test]
fn a_short_answer_with_an_error_is_a_refusal() {
    let platforms = Platforms::embedded();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for text in [
        "            ^\n% Invalid input detected at '^' marker.",
        "bad command name show (line 1 column 1)",
        "unknown action 0\n\nCommand fail. Return code -1",
        "error: syntax error, expecting <command>: sho",
        "        ^\n % Unrecognized command found at '^' position.",
        "sh: show: not found",
        "not enough permissions (9)",
        "no permissions (9)",
        "input does not match any value of command",
        "Access denied",
        "Cannot execute command",
        "% Not enough privileges to run it",
        "error: permission denied: configuration",
        "Incorrect input! Use 'help' for more",
    ] {
        assert!(platforms.is_refusal(&lines(text)), "{text}");
    }
    for text in ["", "hostname sw1\n!\nend", "# model = X\n/ip address"] {
        assert!(!platforms.is_refusal(&lines(text)), "{text}");
    }
}
