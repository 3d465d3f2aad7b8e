use super::*;
use serde::Deserialize;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Sample {
    name: String,
    listen: Listen,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Listen {
    port: u16,
    http: Option<String>,
    names: Vec<String>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { name: "plain".into(), listen: Listen { port: 443, ..Listen::default() } }
    }
}

impl Config for Sample {
    fn problems(&self) -> Vec<Problem> {
        let zero = self.listen.port == 0;
        zero.then(|| Problem::new("listen.port", "must not be 0")).into_iter().collect()
    }
}

fn with_file(text: &str) -> (tempfile::TempDir, Layers) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    std::fs::write(&path, text).unwrap();
    (dir, Layers { file: Some(path), ..Layers::default() })
}

fn problems(layers: &Layers) -> Vec<String> {
    match layers.load::<Sample>() {
        Err(ConfigError::Problems(problems)) => {
            problems.iter().map(|problem| problem.key.clone()).collect()
        }
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn later_layers_win_and_leave_the_rest() {
    let (_dir, mut layers) = with_file("name = 'file'\n[listen]\nport = 1\nhttp = 'file'\n");
    layers.environment = vec![
        ("FARWATCH__LISTEN__PORT".into(), "2".into()),
        ("FARWATCH__LISTEN__HTTP".into(), "127.0.0.1:80".into()),
        ("FARWATCH__NAME".into(), "42".into()),
        ("FARWATCH__LISTEN__NAMES".into(), r#"["a", "b"]"#.into()),
        ("FARWATCH_LOG".into(), "debug".into()),
    ];
    layers.flags = vec![("listen.port", Value::Integer(3))];
    let expected = Sample {
        // A number stays text where text is expected.
        name: "42".into(),
        listen: Listen {
            port: 3,
            http: Some("127.0.0.1:80".into()),
            names: vec!["a".into(), "b".into()],
        },
    };
    assert_eq!(layers.load::<Sample>().unwrap(), expected);
}

#[test]
fn nothing_given_means_the_defaults() {
    assert_eq!(Layers::default().load::<Sample>().unwrap(), Sample::default());
}

#[test]
fn all_problems_are_told_at_once_with_their_keys() {
    let (_dir, mut layers) =
        with_file("nmae = 'x'\nname = 7\n[listen]\nport = 'many'\nnames = [1]\ncolour = 1\n");
    layers.environment = vec![("FARWATCH__OTHER__KEY".into(), "1".into())];
    assert_eq!(
        problems(&layers),
        ["listen.colour", "listen.names[0]", "listen.port", "name", "nmae", "other"]
    );
    let (_dir, zero) = with_file("[listen]\nport = 0\nx = 1\n");
    assert_eq!(problems(&zero), ["listen.port", "listen.x"]);
}

#[test]
fn a_broken_file_is_told_by_line_without_its_text() {
    let (_dir, layers) = with_file("name = 'x'\npassword = hunter2\n");
    let error = layers.load::<Sample>().unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_missing_file_is_an_error() {
    let layers = Layers { file: Some("/nowhere/at/all.toml".into()), ..Layers::default() };
    assert!(matches!(layers.load::<Sample>(), Err(ConfigError::Read { .. })));
}
