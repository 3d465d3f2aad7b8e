//! Core: schemas as they are sent and stored (`SchemaDef`).

use std::collections::HashSet;

use farwatch_proto::v1::{ColumnDef, SchemaDef};

use super::{COLUMNS_MAX, Column, Group, MetricKind, NAME_BYTES_MAX, Schema, SchemaId, Unit};

/// Powers of ten beyond this are a mistake.
const EXPONENT_MAX: u32 = 18;

/// A definition that breaks the rules of schemas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    #[error("a schema has more than {COLUMNS_MAX} columns")]
    TooManyColumns,
    #[error("a schema has an unknown group, kind or unit")]
    UnknownNumber,
    #[error("a schema has a name that is not short, lower-case ASCII")]
    Name,
    #[error("a schema has an exponent that its kind does not allow")]
    Exponent,
    #[error("a schema has two columns of the same name")]
    Twice,
    #[error("a schema's id is not that of its content")]
    WrongId,
}

/// Reads a definition. Its id has to be the hash of its content.
pub fn read(def: &SchemaDef) -> Result<(SchemaId, Schema), DefinitionError> {
    if def.columns.len() > COLUMNS_MAX {
        return Err(DefinitionError::TooManyColumns);
    }
    let group = Group::from_wire(def.group).ok_or(DefinitionError::UnknownNumber)?;
    let columns = def.columns.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let mut names = HashSet::with_capacity(columns.len());
    if !columns.iter().all(|column| names.insert((&column.object, &column.metric))) {
        return Err(DefinitionError::Twice);
    }
    let schema = Schema { group, columns };
    let id = schema.id();
    if id.0 != def.schema_id {
        return Err(DefinitionError::WrongId);
    }
    Ok((id, schema))
}

/// The definition of a schema.
#[must_use]
pub fn write(schema: &Schema) -> SchemaDef {
    let column = |column: &Column| ColumnDef {
        object: column.object.clone(),
        metric: column.metric.clone(),
        kind: column.kind as u32,
        unit: column.unit as u32,
        exponent: column.exponent.into(),
    };
    SchemaDef {
        schema_id: schema.id().0,
        group: schema.group as u32,
        columns: schema.columns.iter().map(column).collect(),
    }
}

fn column(def: &ColumnDef) -> Result<Column, DefinitionError> {
    let kind = MetricKind::from_wire(def.kind).ok_or(DefinitionError::UnknownNumber)?;
    let unit = Unit::from_wire(def.unit).ok_or(DefinitionError::UnknownNumber)?;
    if !is_object(&def.object) || !is_metric(&def.metric) {
        return Err(DefinitionError::Name);
    }
    let scaled = kind == MetricKind::Gauge && def.exponent.unsigned_abs() <= EXPONENT_MAX;
    if def.exponent != 0 && !scaled {
        return Err(DefinitionError::Exponent);
    }
    let exponent = i8::try_from(def.exponent).map_err(|_| DefinitionError::Exponent)?;
    Ok(Column { object: def.object.clone(), metric: def.metric.clone(), kind, unit, exponent })
}

/// `snake_case`, beginning with a letter.
fn is_metric(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_BYTES_MAX
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(letter)
}

/// Nothing for the device itself, otherwise `kind:index`.
fn is_object(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= NAME_BYTES_MAX
        && name.bytes().all(|byte| letter(byte) || b"_:.-/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> SchemaDef {
        write(&Schema {
            group: Group::Interfaces,
            columns: vec![Column {
                object: "if:1".into(),
                metric: "if_in_octets_total".into(),
                kind: MetricKind::Counter64,
                unit: Unit::Bytes,
                exponent: 0,
            }],
        })
    }

    fn check(change: impl FnOnce(&mut SchemaDef), expected: DefinitionError) {
        let mut def = good();
        change(&mut def);
        assert_eq!(read(&def), Err(expected));
    }

    #[test]
    fn a_definition_round_trips() {
        let (id, schema) = read(&good()).unwrap();
        assert_eq!(write(&schema), good());
        assert_eq!(id.0, good().schema_id);
    }

    #[test]
    fn bad_definitions_are_refused() {
        check(|def| def.schema_id += 1, DefinitionError::WrongId);
        check(|def| def.group = 99, DefinitionError::UnknownNumber);
        check(|def| def.columns[0].kind = 0, DefinitionError::UnknownNumber);
        check(|def| def.columns[0].unit = 999, DefinitionError::UnknownNumber);
        check(|def| def.columns[0].exponent = -1, DefinitionError::Exponent);
        check(|def| def.columns[0].exponent = i32::MIN, DefinitionError::Exponent);
        let scaled = |def: &mut SchemaDef| {
            def.columns[0].kind = MetricKind::Gauge as u32;
            def.columns[0].exponent = i32::MIN;
        };
        check(scaled, DefinitionError::Exponent);
        check(|def| def.columns[0].metric = "Übertragung".into(), DefinitionError::Name);
        check(|def| def.columns[0].metric = String::new(), DefinitionError::Name);
        check(|def| def.columns[0].object = "if 1".into(), DefinitionError::Name);
        check(|def| def.columns[0].metric = "x".repeat(129), DefinitionError::Name);
        check(|def| def.columns.push(def.columns[0].clone()), DefinitionError::Twice);
        let many = |def: &mut SchemaDef| {
            def.columns = vec![def.columns[0].clone(); COLUMNS_MAX + 1];
        };
        check(many, DefinitionError::TooManyColumns);
    }
}
