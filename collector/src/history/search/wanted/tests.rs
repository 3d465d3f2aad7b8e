use super::*;

fn lines(wanted: &Wanted, text: &str) -> Vec<usize> {
    wanted.find(text, || false).unwrap().0.iter().map(|found| found.line).collect()
}

#[test]
fn a_word_is_a_word_and_an_expression_is_one() {
    let text = "hostname r1\nip address 10.0.0.1\nip address 10.0.0.2\n! 10x0y0z1\nend\n";
    let word = |text| Wanted::new(text, false, false).unwrap();
    assert_eq!(lines(&word("10.0.0.1"), text), [2]);
    assert_eq!(lines(&word("HOSTNAME"), text), [1]);
    assert!(lines(&Wanted::new("HOSTNAME", false, true).unwrap(), text).is_empty());
    let expression = Wanted::new(r"^ip .*\d$", true, true).unwrap();
    let (found, more) = expression.find(text, || false).unwrap();
    assert_eq!((found.len(), more), (2, 0));
    assert_eq!(found[0].before, ["hostname r1"]);
    assert_eq!(found[0].after, ["ip address 10.0.0.2", "! 10x0y0z1"]);
}

#[test]
fn many_lines_are_counted_and_long_ones_cut() {
    let text = format!("{}\n", "é".repeat(600)).repeat(9);
    let (found, more) = Wanted::new("é", false, false).unwrap().find(&text, || false).unwrap();
    assert_eq!((found.len(), more), (5, 4));
    assert_eq!(found[0].text.chars().count(), 501);
}

#[test]
fn a_search_that_gets_late_ends_within_a_text() {
    let text = "hostname r1\n".repeat(1000);
    let asked = std::cell::Cell::new(0);
    let is_late = || asked.replace(asked.get() + 1) >= 7;
    assert_eq!(Wanted::new("r1", false, false).unwrap().find(&text, is_late), None);
    assert_eq!(asked.get(), 8);
    // Of a line without an end an expression sees the beginning, and a word all.
    let text = format!("{}key\n", "é".repeat(LINE_BYTES_MAX));
    assert!(lines(&Wanted::new("k[e]y", true, true).unwrap(), &text).is_empty());
    assert_eq!(lines(&Wanted::new("^é+", true, true).unwrap(), &text), [1]);
    assert_eq!(lines(&Wanted::new("key", false, true).unwrap(), &text), [1]);
}

/// Nothing at each place of a line is as many passes over it.
#[test]
fn a_search_that_gets_late_ends_within_a_line() {
    let line = "a".repeat(LINE_BYTES_MAX);
    let wanted = Wanted::new("(?:a*b)?", true, true).unwrap();
    let asked = std::cell::Cell::new(0);
    let is_late = || asked.replace(asked.get() + 1) >= 7;
    assert_eq!(wanted.find(&line, is_late), None);
    assert_eq!(asked.get(), 8);
    asked.set(0);
    let found = wanted.find(&line, || asked.replace(asked.get() + 1) > LINE_CHARS_MAX).unwrap().0;
    assert!(found[0].ranges.is_empty());
    assert_eq!(asked.get(), 1 + LINE_CHARS_MAX, "once of the line, and once of each place shown");
}

#[test]
fn an_expression_that_somebody_would_write_fits() {
    for usual in [
        r"^(ip|ipv6) address \d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(/\d{1,2}| \d{1,3}(\.\d{1,3}){3})$",
        r"\b(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\b|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}",
        r"^\s*(permit|deny)\s+(tcp|udp|ip)\s+any\s+any(\s+eq\s+\w+)?\s*(log)?$",
        r"username \w+ privilege 15|snmp-server community \S+ RW|transport input .*telnet",
    ] {
        for with_case in [false, true] {
            assert!(Wanted::new(usual, true, with_case).is_ok(), "{usual}");
        }
    }
}

#[test]
fn an_expression_that_takes_too_much_is_refused() {
    for wrong in ["(", r"\w{500}{500}", r"(\pL{9}){9}", &"(".repeat(60)] {
        assert!(Wanted::new(wrong, true, true).is_err(), "{wrong}");
    }
}

#[test]
fn where_a_line_matches_is_told_in_characters_of_what_is_shown() {
    let check = |text: &str, line: &str, expected: &[[usize; 2]]| {
        let (found, _) = Wanted::new(text, true, false).unwrap().find(line, || false).unwrap();
        assert_eq!(found[0].ranges, expected, "{text}: {line}");
    };
    check("é|b", "aéb é", &[[1, 2], [2, 3], [4, 5]]);
    check("r1", "hostname R1", &[[9, 11]]);
    // Found and of no length.
    check("x*", "ab", &[]);
    // Beyond what is shown, or cut where that ends.
    let long = format!("{}key", "é".repeat(LINE_CHARS_MAX));
    check("key", &long, &[]);
    check("ékey", &long, &[[LINE_CHARS_MAX - 1, LINE_CHARS_MAX]]);
    let (found, _) =
        Wanted::new("a", false, false).unwrap().find(&"a".repeat(99), || false).unwrap();
    assert_eq!(found[0].ranges.len(), RANGES_MAX);
}
