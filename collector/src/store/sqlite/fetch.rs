//! Batches by the number of their row: a search reads `ts_batch_time` alone.

use crate::store::samples::fetch::{Key, batches_of_device};
use crate::store::sql::{Row, Sql};
use crate::store::{StoreError, Txn};

pub(in crate::store) static BATCHES: Sql =
    Sql::new(concat!("SELECT rowid, 0", batches_of_device!(), " LIMIT $8"), file!(), line!());
static PACKED: Sql = Sql::new(
    "SELECT recv_at, stream_id, seq, data FROM ts_batch
     WHERE rowid IN (SELECT value FROM json_each($1))",
    file!(),
    line!(),
);

pub(in crate::store) async fn packed(txn: &mut Txn, keys: &[Key]) -> Result<Vec<Row>, StoreError> {
    let listed: Vec<String> = keys.iter().map(|(row, _)| row.to_string()).collect();
    PACKED.bind(format!("[{}]", listed.join(","))).all(txn).await
}
