use super::*;

#[test]
fn versions_are_read_as_they_are_told() {
    assert_eq!(version("git version 2.47.3"), Some((2, 47)));
    assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
    assert!(version("git version 2.28.0") < Some(VERSION_MIN));
    for strange in ["", "git", "git version x.y", "git version 2"] {
        assert_eq!(version(strange), None, "{strange}");
    }
}

#[test]
fn what_is_in_the_way_of_a_push_is_told_without_names_and_addresses() {
    let check = |told: &str, expected: &str| {
        let advice = GitError::Failed { what: "push", told: told.to_owned() }.advice();
        assert!(advice.contains(expected), "{told}: {advice}");
        assert!(!advice.contains("example"), "{advice}");
    };
    let login = "give that a key or a login";
    check("git@git.example.net: Permission denied (publickey).  fatal: Could not read", login);
    check("fatal: could not read Username for 'https://git.example.net': terminal", login);
    check("Host key verification failed.  fatal: Could not read from remote", "known_hosts");
    check("fatal: unable to access 'https://example.net/a/': Could not resolve host: e", "network");
    check("ssh: connect to host example.net port 22: Connection refused  fatal: Could", "network");
    check("fatal: '/srv/example.git' does not appear to be a git repository", "make an empty");
    check(
        "! [rejected] main -> main (fetch first) error: failed to push to example",
        "nobody else",
    );
    check("! [remote rejected] main -> main (pre-receive hook declined)", "rules");
    check("something that example.net says", "log");
}

async fn made(dir: &Path) -> Repository {
    let repository = Repository::at(dir.join("a.git"));
    repository.init().await.unwrap();
    repository
}

#[tokio::test]
async fn an_administrators_ssh_is_asked_and_no_hook_is() {
    let dir = tempfile::tempdir().unwrap();
    let repository = made(dir.path()).await;
    let (hooks, marks) = (dir.path().join("hooks"), dir.path().join("marks"));
    std::fs::create_dir_all(&hooks).unwrap();
    std::fs::create_dir_all(&marks).unwrap();
    let hook = hooks.join("reference-transaction");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}/hook\n", marks.display())).unwrap();
    // Runs wherever the tests do: a mode that allows it, without a word of the system.
    let sh = ["-c", "chmod +x \"$0\"", hook.to_str().unwrap()];
    assert!(Command::new("sh").args(sh).status().await.unwrap().success());
    let set = async |name: &str, value: String| {
        repository.run("config", &[name, &value]).await.unwrap();
    };
    set("core.hooksPath", hooks.display().to_string()).await;
    set("core.sshCommand", format!("touch {}/ssh; false", marks.display())).await;
    let stream = "commit refs/heads/main\ncommitter a <a> 1 +0000\ndata 1\na\ndone\n";
    repository.import(stream.as_bytes()).await.unwrap();
    repository.push("ssh://127.0.0.1/a.git", "refs/heads/main").await.unwrap_err();
    assert!(!marks.join("hook").exists());
    assert!(marks.join("ssh").exists() || std::env::var_os("GIT_SSH_COMMAND").is_some());
}

#[test]
fn proxies_are_the_administrators() {
    for name in ["NO_PROXY", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "GIT_SSL_CAINFO"] {
        assert!(KEPT.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn a_repository_that_was_begun_is_made_whole() {
    let dir = tempfile::tempdir().unwrap();
    let repository = Repository::at(dir.path().join("a.git"));
    for head in ["ref: refs/heads/main\n", ""] {
        let _ = std::fs::remove_dir_all(&repository.0);
        std::fs::create_dir_all(&repository.0).unwrap();
        std::fs::write(repository.0.join("HEAD"), head).unwrap();
        std::fs::write(repository.0.join("config.lock"), "").unwrap();
        assert!(!repository.is_there());
        repository.init().await.unwrap();
        assert!(repository.is_there());
        repository.run("fsck", &["--strict"]).await.unwrap();
    }
    // What was begun beside is no repository, and is begun anew.
    std::fs::remove_dir_all(&repository.0).unwrap();
    std::fs::create_dir_all(dir.path().join("a.git.new/objects")).unwrap();
    repository.init().await.unwrap();
    repository.run("fsck", &["--strict"]).await.unwrap();
    assert!(!dir.path().join("a.git.new").exists());
}
