//! Migrations: `NNNN_name.sql`, numbered without a hole, the same list for both engines.

use super::{File, Finding, Tree};

const SQLITE: &str = "migrations/sqlite/";
const POSTGRES: &str = "migrations/postgres/";
const AGENT: &str = "migrations/agent/";

/// Until the first file is there, PostgreSQL has no migrations to compare; after that, all of them.
const POSTGRES_MAY_BE_EMPTY: bool = true;

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
    if POSTGRES_MAY_BE_EMPTY && scripts(tree, POSTGRES).next().is_none() {
        return findings;
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
        let (one, three) = ("migrations/sqlite/0001_a.sql", "migrations/sqlite/0003_c.sql");
        assert!(found(&[one]).is_empty());
        assert_eq!(found(&[one, three]), [three]);
        assert_eq!(found(&["migrations/agent/1_a.sql"]), ["migrations/agent/1_a.sql"]);
        assert_eq!(found(&[one, "migrations/sqlite/0001_b.sql"]), ["migrations/sqlite/0001_b.sql"]);
    }

    #[test]
    fn engines_have_the_same_list_once_both_have_one() {
        let sqlite = ["migrations/sqlite/0001_a.sql", "migrations/sqlite/0002_b.sql"];
        assert!(found(&sqlite).is_empty());
        let both = [sqlite[0], sqlite[1], "migrations/postgres/0001_a.sql"];
        assert_eq!(found(&both), [sqlite[1]]);
    }
}
