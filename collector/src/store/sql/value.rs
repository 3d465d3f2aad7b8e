//! What is bound to a statement: four types that both engines keep the same way.

use farwatch_common::clock::Micros;
use farwatch_common::id::{
    AgentId, AlertId, ApiKeyId, DeviceId, GrantId, RuleId, ScreenId, SessionId, SiteId, TenantId,
    UserId,
};
use sqlx::query::Query;
use sqlx::{Database, Encode, Type};

/// One bind. `None` is NULL, and still has a type: PostgreSQL wants to know it.
///
/// Times, ids and small numbers are one integer; a truth is 0 or 1, because SQLite has no other.
/// A `u64` may not fit and says so by having no `From`.
#[derive(Clone, PartialEq)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
    Real(Option<f64>),
}

/// Binds all values in their order. One text for both engines: each encodes its own way.
pub(super) fn bind_all<'q, DB: Database>(
    query: Query<'q, DB, DB::Arguments>,
    values: Vec<Value>,
) -> Query<'q, DB, DB::Arguments>
where
    Option<i64>: Encode<'q, DB> + Type<DB>,
    Option<String>: Encode<'q, DB> + Type<DB>,
    Option<Vec<u8>>: Encode<'q, DB> + Type<DB>,
    Option<f64>: Encode<'q, DB> + Type<DB>,
{
    values.into_iter().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Blob(value) => query.bind(value),
        Value::Real(value) => query.bind(value),
    })
}

/// `From<T>` and `From<Option<T>>` for a type that becomes one of the four.
macro_rules! values {
    ($($source:ty => $variant:ident($value:ident) $convert:expr;)+) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Self {
                Self::$variant(Some($convert))
            }
        }

        impl From<Option<$source>> for Value {
            fn from(value: Option<$source>) -> Self {
                Self::$variant(value.map(|$value| $convert))
            }
        }
    )+};
}

values! {
    i64 => Int(value) value;
    i32 => Int(value) i64::from(value);
    u32 => Int(value) i64::from(value);
    u16 => Int(value) i64::from(value);
    u8 => Int(value) i64::from(value);
    bool => Int(value) i64::from(value);
    Micros => Int(value) value.0;
    TenantId => Int(value) value.0;
    SiteId => Int(value) value.0;
    AgentId => Int(value) value.0;
    DeviceId => Int(value) value.0;
    UserId => Int(value) value.0;
    ApiKeyId => Int(value) value.0;
    SessionId => Int(value) value.0;
    ScreenId => Int(value) value.0;
    GrantId => Int(value) value.0;
    RuleId => Int(value) value.0;
    AlertId => Int(value) value.0;
    String => Text(value) value;
    &str => Text(value) value.to_owned();
    &String => Text(value) value.clone();
    Vec<u8> => Blob(value) value;
    &[u8] => Blob(value) value.to_vec();
    &[u8; 32] => Blob(value) value.to_vec();
    [u8; 32] => Blob(value) value.to_vec();
    f64 => Real(value) value;
}
