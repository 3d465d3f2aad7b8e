use proptest::prelude::*;

mod pagers;

use super::*;
use crate::history::platform::Platforms;

/// A device of a test: what it says to what it is sent.
fn talk(session: &mut Session<'_>, says: &[&str]) -> (Vec<String>, Act) {
    let mut sent = Vec::new();
    let mut act = Act::Ready(Vec::new());
    for said in says {
        session.feed(said.as_bytes());
        assert!(session.patience().is_some(), "{said:?} needs an answer");
        act = session.act().unwrap();
        if let Act::Send(bytes) = &act {
            sent.push(String::from_utf8(bytes.clone()).unwrap());
        }
    }
    (sent, act)
}

fn at_prompt(prompt: &str) -> Session<'static> {
    let platforms = Platforms::embedded();
    let mut session = Session::new(&platforms.asks, &platforms.pagers);
    let again = format!("\r\n{prompt}");
    let (sent, act) = talk(&mut session, &[&format!("Welcome\r\n{prompt}"), &again]);
    assert_eq!((sent, act), (vec![ENTER.to_owned()], Act::Ready(Vec::new())), "{prompt:?}");
    session
}

#[test]
fn a_prompt_is_learnt_from_what_comes_again() {
    for (prompt, later) in [
        ("sw1>", "sw1#"),
        ("sw1# ", "sw1(config)# "),
        ("fw-1 (global) # ", "fw-1 # "),
        ("(lb 1) # ", "(lb 1) # "),
        ("[admin@router one] > ", "[admin@router one] <SAFE> > "),
        ("<core-1>", "<core-1>"),
        ("\u{1b}[36muser@host:~\u{1b}[m$ ", "user@host:~$ "),
        ("[2.7.0][root@fw.lan]/root: ", "[2.7.0][root@fw.lan]/root: "),
        ("admin:", "admin:"),
    ] {
        let mut session = at_prompt(prompt);
        assert_eq!(session.command("show it"), b"show it\r");
        let (_, act) = talk(&mut session, &[&format!("show it\r\nthis\r\n\r{later}")]);
        assert_eq!(act, Act::Ready(vec!["this".to_owned()]), "{prompt:?}");
    }
}

#[test]
fn a_command_that_leads_elsewhere_has_another_prompt_behind_it() {
    let mut session = at_prompt("fw/admin# ");
    session.moving_command("changeto system");
    let (sent, act) = talk(&mut session, &["changeto system\r\nfw# ", "\r\nfw# "]);
    assert_eq!((sent, act), (vec![ENTER.to_owned()], Act::Ready(Vec::new())));
    assert_eq!(session.prompt(), "fw#");
    session.command("show it");
    let (_, act) = talk(&mut session, &["show it\r\nthis\r\nfw# "]);
    assert_eq!(act, Act::Ready(vec!["this".to_owned()]));
    // Where it is refused, nothing has moved; what is said before another prompt is not lost.
    session.moving_command("changeto context x");
    let (sent, act) = talk(&mut session, &["changeto context x\r\nERROR: no\r\nfw# "]);
    assert_eq!((sent.len(), act), (0, Act::Ready(vec!["ERROR: no".to_owned()])));
    session.moving_command("go");
    let (_, act) = talk(&mut session, &["go\r\nHello\r\nthere>", "\r\nthere>"]);
    assert_eq!(act, Act::Ready(vec!["Hello".to_owned()]));
    // A command that leads nowhere waits for its own prompt.
    session.command("show it");
    session.feed(b"show it\r\nfw# ");
    assert_eq!(session.patience(), None);
}

#[test]
fn a_refusal_that_looks_like_a_prompt_is_not_lost() {
    let mut session = at_prompt("fw/a# ");
    // The device paused within it. Then its own prompt came,
    session.moving_command("changeto context x");
    let says = ["changeto context x\r\nERROR: none\r\nSee rule #", "\r\nfw/a# "];
    let (sent, act) = talk(&mut session, &says);
    let lines = |lines: &[&str]| Act::Ready(lines.iter().map(|line| (*line).to_owned()).collect());
    assert_eq!((sent.len(), act), (1, lines(&["ERROR: none", "See rule #"])));
    // or more, and another one.
    session.moving_command("changeto context y");
    let says = ["changeto context y\r\nSee [1]", " and [2]\r\nfw/y# ", "\r\n\r\nfw/y# "];
    let (sent, act) = talk(&mut session, &says);
    assert_eq!((sent.len(), act), (2, lines(&["See [1]", " and [2]"])));
    assert_eq!(session.prompt(), "fw/y#");
    // Of the next command it is no part.
    session.moving_command("changeto context z");
    session.feed(b"changeto context z\r\nSee [1]");
    session.act().unwrap();
    session.moving_command("changeto system");
    let (_, act) = talk(&mut session, &["changeto system\r\nfw# ", "\r\nfw# "]);
    assert_eq!(act, Act::Ready(Vec::new()));
}

#[test]
fn a_line_of_a_banner_is_no_prompt() {
    let platforms = Platforms::embedded();
    let mut session = Session::new(&platforms.asks, &platforms.pagers);
    // The device paused within its banner, behind a line that ends as prompts do.
    let (sent, act) = talk(&mut session, &["\r\n# Property of 3#", "#\r\n\r\nsw1>", "\r\nsw1>"]);
    assert_eq!(sent, [ENTER, ENTER]);
    assert_eq!(act, Act::Ready(Vec::new()));
    assert_eq!(session.prompt(), "sw1>");
    assert!(session.greeting().iter().any(|line| line.contains("Property")));
}

#[test]
fn behind_the_menu_of_a_firewall_is_a_shell() {
    let platforms = Platforms::embedded();
    let menu = "*** Welcome to pfSense 2.7.2-RELEASE (amd64) on fw ***\r\n\r\n 0) Logout\r\n \
                8) Shell\r\n\r\nEnter an option: ";
    let prompt = "\r\n[2.7.2-RELEASE][admin@fw.lan]/root: ";
    let mut session = Session::new(&platforms.asks, &platforms.pagers);
    let (sent, act) = talk(&mut session, &[menu, &format!("8\r\n{prompt}"), prompt]);
    assert_eq!((sent, act), (vec!["8\r".to_owned(), ENTER.to_owned()], Act::Ready(Vec::new())));
    assert!(session.greeting().iter().any(|line| line.contains("pfSense")));
    // In another menu the same number does something else.
    let mut session = Session::new(&platforms.asks, &platforms.pagers);
    session.feed(b" 8) Erase all\r\n\r\nEnter an option: ");
    assert_ne!(session.act(), Ok(Act::Send(b"8\r".to_vec())));
}

/// Enter would choose something.
#[test]
fn what_asks_to_choose_is_no_prompt() {
    let platforms = Platforms::embedded();
    for said in ["Reload now? [Y]: ", "Reset the device (y/n): ", "Really?"] {
        let mut session = Session::new(&platforms.asks, &platforms.pagers);
        session.feed(said.as_bytes());
        assert_eq!(session.patience(), None, "{said}");
    }
}

#[test]
fn each_pager_has_its_key() {
    for (more, key) in [
        ("[More]", " "),
        ("-- MORE --, next page: Space, next line: Enter, quit: Control-C", " "),
        ("More: <space>,  Quit: q or CTRL+Z, One line: <return> ", " "),
        ("Press any key to continue (Q to quit)", " "),
        ("--More-- or (q)uit", " "),
        ("Press <ENTER> to continue", "\r"),
        ("lines 1-24", " "),
        ("lines 25-41/41 (END)", "q"),
    ] {
        let mut session = at_prompt("sw1#");
        session.command("show run");
        let first = format!("show run\r\none\r\n{more}");
        let (sent, act) = talk(&mut session, &[&first, "\r\u{1b}[Ktwo\r\nsw1#"]);
        assert_eq!(sent, [key], "{more:?}");
        assert_eq!(act, Act::Ready(["one", "two"].map(str::to_owned).to_vec()), "{more:?}");
    }
}

#[test]
fn pages_are_turned_and_leave_nothing() {
    for more in
        ["--More-- ", "<--- More --->", " --More-- ", "---(more 12%)---", "  ---- More ----"]
    {
        let mut session = at_prompt("sw1#");
        session.command("show run");
        let first = format!("show run\r\none\r\n{more}");
        let second = format!("\r               \r two\r\n{more}");
        let (sent, act) =
            talk(&mut session, &[&first, &second, "\u{8}\u{8}  \u{8}\u{8}\u{1b}[Kthree\r\nsw1#"]);
        assert_eq!(sent, [" ", " "], "{more:?}");
        let lines = ["one", " two", "three"].map(str::to_owned).to_vec();
        assert_eq!(act, Act::Ready(lines), "{more:?}");
    }
}

#[test]
fn questions_are_answered() {
    let mut session = at_prompt("fw>");
    session.asking_command("enable");
    let (_, act) = talk(&mut session, &["enable\r\nPassword: "]);
    assert_eq!(act, Act::Answer(Answer::EnablePassword));
    let (_, act) = talk(&mut session, &["\r\nfw# "]);
    assert_eq!(act, Act::Ready(vec![String::new()]), "the end of the password's line");
    assert_eq!(session.prompt(), "fw#");

    let platforms = Platforms::embedded();
    let mut session = Session::new(&platforms.asks, &platforms.pagers);
    session.feed(b"User Access\r\n\r\nUsername: ");
    assert_eq!(session.act(), Ok(Act::Answer(Answer::User)));
    for _ in 1..QUESTIONS_MAX {
        session.feed(b"\r\nUsername: ");
        assert_eq!(session.act(), Ok(Act::Answer(Answer::User)));
    }
    session.feed(b"\r\nUsername: ");
    assert_eq!(session.act(), Err(SessionError::Questions));

    let mut session = Session::new(&platforms.asks, &platforms.pagers);
    session.feed(b"Username: ");
    assert_eq!(session.act(), Ok(Act::Answer(Answer::User)));
    session.feed(b"ada\r\nPassword: ");
    assert_eq!(session.act(), Ok(Act::Answer(Answer::Password)), "not that of `enable`");
}

#[test]
fn a_prompt_that_comes_twice_is_no_answer() {
    let mut session = at_prompt("[a@b] > ");
    session.command("/export");
    session.feed(b"\r\n[a@b] > ");
    assert_eq!(session.patience(), Some(DOUBTFUL));
    session.feed(b"\r\r[a@b] > /exp\x1b[K\r[a@b] > /export\r\nset it\r\n\r[a@b] > ");
    assert_eq!(session.patience(), Some(SURE));
    assert_eq!(session.act(), Ok(Act::Ready(vec!["set it".to_owned()])));
}

#[test]
fn silence_before_a_prompt_means_wait() {
    let mut session = at_prompt("sw1#");
    session.command("show run");
    for said in ["", "show run", "\r\n", "hostname sw1\r\nline 1"] {
        session.feed(said.as_bytes());
        assert_eq!(session.patience(), None, "{said:?}");
    }
}

#[test]
fn no_secret_is_typed_into_an_answer() {
    for said in ["show run\r\nbanner Password: ", "show run\r\n description Remote user: "] {
        let mut session = at_prompt("sw1#");
        session.command("show run");
        session.feed(said.as_bytes());
        assert_eq!(session.patience(), None, "{said:?} is text");
        session.feed(b"x\r\nsw1#");
        let Ok(Act::Ready(lines)) = session.act() else { panic!("{said:?}") };
        assert!(lines[0].ends_with(": x"), "{lines:?}");
    }
}

#[test]
fn an_endless_sender_is_stopped_while_it_sends() {
    let mut session = at_prompt("sw1#");
    session.command("show run");
    let piece = b"line\n".repeat(10_000);
    while !session.is_full() {
        session.feed(&piece);
    }
    assert_eq!(session.act(), Err(SessionError::TooMuch));
}

proptest! {
    #[test]
    fn bytes_may_be_cut_anywhere(cuts in proptest::collection::vec(0usize..90, 0..20)) {
        let answer = "show run\r\r\n\u{1b}[2Kdescription «é»\r\n  x\u{8}y\r\n\rsw1(config)# ".as_bytes();
        let mut session = at_prompt("sw1# ");
        session.command("show run");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(answer.len())).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts.into_iter().chain([answer.len()]) {
            session.feed(&answer[from..to]);
            from = to;
        }
        let lines = ["description «é»", "  y"].map(str::to_owned).to_vec();
        prop_assert_eq!(session.act(), Ok(Act::Ready(lines)));
    }
}
