//! Batches by stream and sequence.

use crate::store::samples::fetch::{Key, batches_of_device};
use crate::store::samples::subject::Subject;
use crate::store::sql::{Row, Sql, arrays};
use crate::store::{StoreError, Txn};

pub(in crate::store) static BATCHES: Sql =
    Sql::new(concat!("SELECT stream_id, seq", batches_of_device!(), " LIMIT $8"), file!(), line!());
/// One probe of the key per batch, whatever the planner believes: the inner `LIMIT` cannot be pulled
/// up into a join. Before its first ANALYZE a server guesses that an agent has a handful of batches and
/// would read all of them for each chunk.
static PACKED: Sql = Sql::new(
    "SELECT b.recv_at, b.stream_id, b.seq, b.data
     FROM UNNEST($3::bigint[], $4::bigint[]) AS k (stream_id, seq)
     CROSS JOIN LATERAL (
         SELECT recv_at, stream_id, seq, data FROM ts_batch
         WHERE tenant_id = $1 AND agent_id = $2 AND stream_id = k.stream_id AND seq = k.seq LIMIT 1
     ) b",
    file!(),
    line!(),
);

pub(in crate::store) async fn packed(
    txn: &mut Txn,
    subject: &Subject,
    keys: &[Key],
) -> Result<Vec<Row>, StoreError> {
    let (streams, seqs): (Vec<i64>, Vec<i64>) = keys.iter().copied().unzip();
    let bind = |query: arrays::Query| {
        query.bind(subject.tenant.0).bind(subject.agent.0).bind(streams).bind(seqs)
    };
    arrays::run(&PACKED, txn, bind).await
}
