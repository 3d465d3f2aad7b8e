//! `./x roles`: who may call what, as a table for people, made from the API's description. It is
//! committed; `--check` fails when it differs from what the code says now.

use std::fmt::Write as _;
use std::fs;

use crate::json::Json;
use crate::openapi::{self, Mode};
use crate::{Result, cmd::note, repo};

const FILE: &str = "docs/roles.md";

const HEAD: &str = "\
# Who may call what

Written by `./x roles` from the API's description; change the table in `collector/src/api/access.rs`
instead. What a caller may do holds in the tenants where they have the role: the things of other tenants
are answered like things that do not exist.

";

pub(crate) fn run(mode: Mode) -> Result {
    let document = Json::parse(&openapi::document()?)?;
    let text = format!("{HEAD}{}", table(&document)?);
    let file = repo::root().join(FILE);
    if mode == Mode::Write {
        return Ok(fs::write(file, text)?);
    }
    if fs::read_to_string(file).unwrap_or_default() != text {
        return Err(format!("{FILE} differs from the code: run ./x roles and commit it").into());
    }
    note(&format!("{FILE} matches the code"));
    Ok(())
}

/// A line for each operation, a column for each kind of caller.
fn table(document: &Json) -> Result<String> {
    let needs = document.get("x-farwatch-needs").map(Json::items).unwrap_or_default();
    let met_by = |need: &str| {
        let row = needs.iter().find(|row| row.text("need") == Some(need));
        row.and_then(|row| row.get("met_by")).map(Json::items)
    };
    // Everybody meets the need for nobody.
    let columns = met_by("nobody");
    let columns = columns.ok_or("the API's description does not say who meets which need")?;
    let mut out = String::from("| Operation | Needs |");
    for column in columns {
        let _ = write!(out, " {} |", column.plain());
    }
    let _ = writeln!(out, "\n|---|---|{}", ":-:|".repeat(columns.len()));
    let Some(Json::Object(paths)) = document.get("paths") else {
        return Err("the API's description has no paths".into());
    };
    for (path, operations) in paths {
        let Json::Object(operations) = operations else { continue };
        for (method, operation) in operations {
            let method = method.to_uppercase();
            let need = operation.text("x-farwatch-need").unwrap_or_default();
            let met_by = met_by(need).ok_or_else(|| {
                format!("{method} {path} has the need `{need}`, which nobody has")
            })?;
            let _ = write!(out, "| `{method} {path}` | {need} |");
            for column in columns {
                out.push_str(if met_by.contains(column) { " yes |" } else { " – |" });
            }
            out.push('\n');
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_operation_and_a_column_for_each_caller() {
        let needs = r#""x-farwatch-needs": [{"need": "nobody", "met_by": ["nobody", "viewer"]},
                                            {"need": "read", "met_by": ["viewer"]}]"#;
        let made =
            |paths: &str| table(&Json::parse(&format!("{{{needs}, \"paths\": {paths}}}")).unwrap());
        let paths = r#"{"/a": {"get": {"x-farwatch-need": "nobody"},
                               "delete": {"x-farwatch-need": "read"}}}"#;
        assert_eq!(
            made(paths).unwrap(),
            "| Operation | Needs | nobody | viewer |\n|---|---|:-:|:-:|\n\
             | `DELETE /a` | read | – | yes |\n| `GET /a` | nobody | yes | yes |\n"
        );
        assert!(made(r#"{"/a": {"get": {"x-farwatch-need": "new"}}}"#).is_err());
        assert!(made(r#"{"/a": {"get": {}}}"#).is_err());
    }
}
