//! Core: a table as spreadsheets write it: which column is which, and its rows.

use std::collections::BTreeMap;

/// Rows of one table.
pub(super) const ROWS_MAX: usize = 2_000;
/// Columns that are looked at; more are none of ours.
const COLUMNS_MAX: usize = 64;
/// Longest text of a cell.
const CELL_CHARS_MAX: usize = 1_000;
/// Of a name of a column that is told.
const NAME_CHARS_MAX: usize = 50;
/// Spreadsheets put it before UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Stands where somebody has read other bytes as UTF-8.
const REPLACEMENT: char = '\u{fffd}';
/// The first of those that are as frequent counts.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What a column may be called.
pub(super) const COLUMNS: [&str; 16] = [
    "address",
    "name",
    "site",
    "agent",
    "interval_s",
    "tags",
    "snmp_version",
    "community",
    "user",
    "auth",
    "auth_password",
    "privacy",
    "privacy_password",
    "context",
    "profile",
    "ping",
];

/// Why a text is no table of devices. What is in it is never told: it may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TableError {
    #[error("is empty: the first row must name the columns, and one of them must be `address`")]
    Empty,
    #[error("is not in UTF-8: save it as «CSV UTF-8», and choose that when it is opened")]
    Encoding,
    #[error("has no column `address`: the first row must name the columns")]
    NoAddress,
    #[error("has two columns `{0}`")]
    Twice(&'static str),
    #[error("has more than {ROWS_MAX} rows: make several tables of it")]
    TooLong,
    #[error("cannot be read at line {line}: look at the quotes there")]
    Broken { line: u64 },
}

pub(super) struct Table {
    pub(super) rows: Vec<TableRow>,
    /// Names of columns that mean nothing.
    pub(super) unknown: Vec<String>,
}

pub(super) struct TableRow {
    pub(super) line: u64,
    /// By the name of the column; empty ones are absent.
    cells: BTreeMap<&'static str, String>,
    /// What is wrong with it as a row.
    pub(super) broken: Option<&'static str>,
}

impl TableRow {
    pub(super) fn cell(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }
}

impl Table {
    pub(super) fn read(text: &str) -> Result<Self, TableError> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        if text.contains([REPLACEMENT, '\0']) {
            return Err(TableError::Encoding);
        }
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator(text))
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let broken = |error: &csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            TableError::Broken { line }
        };
        let names = match records.next() {
            None => return Err(TableError::Empty),
            Some(names) => names.map_err(|error| broken(&error))?,
        };
        let (columns, unknown) = columns(&names)?;
        let mut lines = Lines::of(text);
        let mut rows = Vec::new();
        for record in records {
            let record = record.map_err(|error| broken(&error))?;
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if rows.len() == ROWS_MAX {
                return Err(TableError::TooLong);
            }
            rows.push(row(&columns, &record, lines.at(&record)));
        }
        Ok(Self { rows, unknown })
    }
}

/// What stands between the names of the columns.
fn separator(text: &str) -> u8 {
    let names = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: u8| {
        let mut quoted = false;
        let outside = names.bytes().filter(|byte| {
            quoted ^= *byte == b'"';
            !quoted && *byte == separator
        });
        outside.count()
    };
    let most = SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator));
    most.unwrap_or(b',')
}

/// The name of each column that means something, and the others.
fn columns(
    names: &csv::StringRecord,
) -> Result<(Vec<Option<&'static str>>, Vec<String>), TableError> {
    let (mut columns, mut unknown) = (Vec::new(), Vec::new());
    for name in names.iter().take(COLUMNS_MAX) {
        let plain = name.trim().to_lowercase().replace([' ', '-'], "_");
        let known = COLUMNS.into_iter().find(|column| *column == plain);
        if let Some(column) = known.filter(|column| columns.contains(&Some(*column))) {
            return Err(TableError::Twice(column));
        }
        if known.is_none() && !plain.is_empty() {
            let shown = name.trim().chars().filter(|letter| !letter.is_control());
            unknown.push(shown.take(NAME_CHARS_MAX).collect());
        }
        columns.push(known);
    }
    if columns.contains(&Some("address")) {
        Ok((columns, unknown))
    } else {
        Err(TableError::NoAddress)
    }
}

/// Counts lines. The reader's own count is that of the end of the record before, which is behind by the
/// second half of CRLF, and by empty lines.
struct Lines<'a> {
    left: &'a [u8],
    /// How much of the text is counted.
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { left: text.as_bytes(), counted: 0, line: 1 }
    }

    /// On which line a record begins; records come in their order.
    fn at(&mut self, record: &csv::StringRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(usize::MAX).saturating_sub(self.counted);
        let ahead = self.left.get(start..).unwrap_or_default();
        let breaks = ahead.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (passed, left) = self.left.split_at(start.saturating_add(breaks).min(self.left.len()));
        let passed_lines = passed.iter().filter(|byte| **byte == b'\n').count();
        (self.left, self.counted) = (left, self.counted + passed.len());
        self.line += passed_lines as u64;
        self.line
    }
}

fn row(columns: &[Option<&'static str>], record: &csv::StringRecord, line: u64) -> TableRow {
    let mut cells = BTreeMap::new();
    let mut broken = None;
    for (at, cell) in record.iter().enumerate() {
        let cell = cell.trim();
        let Some(column) = columns.get(at) else {
            if !cell.is_empty() && at < COLUMNS_MAX {
                broken =
                    Some("has more cells than there are columns: quote what holds the separator");
            }
            continue;
        };
        let Some(column) = column.filter(|_| !cell.is_empty()) else { continue };
        if cell.chars().count() > CELL_CHARS_MAX {
            broken = Some("has a cell of more than 1000 characters: look at the quotes");
            continue;
        }
        cells.insert(column, cell.to_owned());
    }
    TableRow { line, cells, broken }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        let table = Table::read(text).unwrap_or_else(|error| panic!("{error}"));
        let show = |(column, cell): (&&str, &String)| format!("{column}={cell}");
        let row = |row: TableRow| (row.line, row.cells.iter().map(show).collect());
        table.rows.into_iter().map(row).collect()
    }

    #[test]
    fn tables_of_every_spreadsheet_are_read() {
        let expected = vec![
            (2, vec!["address=10.0.0.1".to_owned(), "name=Core, main".to_owned()]),
            (4, vec!["address=10.0.0.2".to_owned()]),
        ];
        assert_eq!(read("address,name\n10.0.0.1,\"Core, main\"\n\n10.0.0.2,\n"), expected);
        assert_eq!(
            read("\u{feff}Address;NAME\r\n10.0.0.1;\"Core, main\"\r\n;\r\n10.0.0.2\r\n"),
            expected
        );
        assert_eq!(read("name\t address \nCore, main\t10.0.0.1\n\t\n\t10.0.0.2"), expected);
        let quoted = read("address,tags,SNMP version\n10.0.0.1,\"a;b\",\"v\"\"2\"");
        assert_eq!(quoted[0].1, ["address=10.0.0.1", "snmp_version=v\"2", "tags=a;b"]);
    }

    #[test]
    fn what_is_no_table_is_refused_and_never_shown() {
        let error = |text: &str| Table::read(text).err().unwrap();
        assert_eq!(error(""), TableError::Empty);
        assert_eq!(error("10.0.0.1,s3cret\n"), TableError::NoAddress);
        assert_eq!(error("address,name,Name\n"), TableError::Twice("name"));
        assert_eq!(error("address\nB\u{fffd}ro"), TableError::Encoding);
        assert_eq!(error("address\n\0"), TableError::Encoding);
        let long = format!("address\n{}", "10.0.0.1\n".repeat(ROWS_MAX + 1));
        assert_eq!(error(&long), TableError::TooLong);
        assert_eq!(read(&long[..long.len() - 9]).len(), ROWS_MAX);
    }

    #[test]
    fn what_cannot_be_placed_is_named() {
        let table = Table::read("address,Vendor\u{7},,name\n10.0.0.1,x,,n,more\n10.0.0.2").unwrap();
        assert_eq!(table.unknown, ["Vendor"]);
        assert!(table.rows[0].broken.is_some() && table.rows[1].broken.is_none());
        let open = format!("address,name\n10.0.0.1,\"{}", "x\n".repeat(600));
        assert!(Table::read(&open).unwrap().rows[0].broken.unwrap().contains("quotes"));
    }
}
