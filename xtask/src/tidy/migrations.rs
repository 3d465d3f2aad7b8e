//! Migrations: `NNNN_name.sql`, numbered without a hole, the same list for both engines.

use super::{File, Finding, Tree};

const SQLITE: &str = "migrations/sqlite/";
const POSTGRES: &str = "migrations/postgres/";
const AGENT: &str = "migrations/agent/";

pub(super) fn numbers(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in [SQLITE, POSTGRES, AGENT] {
        for (index, file) in scripts(tree, folder).enumerate() {
            let wanted = format!("{:04}_", index + 1);
            if !file.name().starts_with(&wanted) {
                findings.push(file.finding(0, format!("expected the number {wanted} here")));
            }
        }
    }
    findings.extend(without_twin(tree, SQLITE, POSTGRES));
    findings.extend(without_twin(tree, POSTGRES, SQLITE));
    findings
}

fn without_twin<'a>(
    tree: &'a Tree,
    here: &'a str,
    there: &'a str,
) -> impl Iterator<Item = Finding> + 'a {
    let alone = move |file: &&File| tree.get(&format!("{there}{}", file.name())).is_none();
    let finding = move |file: &File| file.finding(0, format!("has no twin in {there}"));
    scripts(tree, here).filter(alone).map(finding)
}

/// In the order git lists them, which is by name.
fn scripts<'a>(tree: &'a Tree, folder: &'a str) -> impl Iterator<Item = &'a File> {
    tree.with_extension("sql").filter(move |file| file.path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str]) -> Vec<String> {
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (*path, "")).collect();
        numbers(&Tree::of(&files)).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn numbers_have_no_hole() {
        let one = ["migrations/sqlite/0001_a.sql", "migrations/postgres/0001_a.sql"];
        let three = ["migrations/sqlite/0003_c.sql", "migrations/postgres/0003_c.sql"];
        assert!(found(&one).is_empty());
        assert_eq!(found(&[one, three].concat()), three);
        assert_eq!(found(&["migrations/agent/1_a.sql"]), ["migrations/agent/1_a.sql"]);
        let agents = ["migrations/agent/0001_a.sql", "migrations/agent/0001_b.sql"];
        assert_eq!(found(&agents), [agents[1]]);
    }

    #[test]
    fn engines_have_the_same_list() {
        let sqlite = ["migrations/sqlite/0001_a.sql", "migrations/sqlite/0002_b.sql"];
        assert_eq!(found(&sqlite), sqlite);
        let both = [sqlite[0], sqlite[1], "migrations/postgres/0001_a.sql"];
        assert_eq!(found(&both), [sqlite[1]]);
    }
}
