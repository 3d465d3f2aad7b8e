//! A table of interfaces in one statement: an access router has thousands of them.

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use farwatch_proto::v1::{InterfaceFacts, InterfaceTable, ObjectFacts, ObjectTable};

use crate::store::samples::signed;
use crate::store::sql::{Sql, arrays};
use crate::store::{StoreError, Txn};

static INTERFACES_STORE: Sql = Sql::new(
    "INSERT INTO interface (tenant_id, device_id, seen_at, if_index, name, description, alias,
                            if_type, speed_bps, mac)
     SELECT $1, $2, $3, i.*
     FROM UNNEST($4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
                 $10::bytea[]) AS i",
    file!(),
    line!(),
);

pub(in crate::store) async fn interfaces_store(
    txn: &mut Txn,
    tenant: TenantId,
    at: Micros,
    table: &InterfaceTable,
) -> Result<(), StoreError> {
    let facts = &table.interfaces;
    let numbers = |of: fn(&InterfaceFacts) -> i64| facts.iter().map(of).collect::<Vec<_>>();
    let texts = |of: fn(&InterfaceFacts) -> &str| facts.iter().map(of).collect::<Vec<_>>();
    let macs: Vec<&[u8]> = facts.iter().map(|facts| &facts.mac[..]).collect();
    let bind = |query: arrays::Query| {
        query
            .bind(tenant.0)
            .bind(table.device_id)
            .bind(at.0)
            .bind(numbers(|facts| facts.index.into()))
            .bind(texts(|facts| &facts.name))
            .bind(texts(|facts| &facts.description))
            .bind(texts(|facts| &facts.alias))
            .bind(numbers(|facts| facts.r#type.into()))
            .bind(numbers(|facts| signed(facts.speed_bps)))
            .bind(macs)
    };
    arrays::run(&INTERFACES_STORE, txn, bind).await?;
    Ok(())
}

static OBJECTS_STORE: Sql = Sql::new(
    "INSERT INTO device_object (tenant_id, device_id, grp, seen_at, object, name, kind,
                                description, parent, vendor, model, serial, hardware_revision,
                                firmware_revision, software_revision)
     SELECT $1, $2, $3, $4, o.*
     FROM UNNEST($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                 $11::text[], $12::text[], $13::text[], $14::text[], $15::text[]) AS o",
    file!(),
    line!(),
);

pub(in crate::store) async fn objects_store(
    txn: &mut Txn,
    tenant: TenantId,
    at: Micros,
    table: &ObjectTable,
) -> Result<(), StoreError> {
    let texts = |of: fn(&ObjectFacts) -> &str| table.objects.iter().map(of).collect::<Vec<_>>();
    let bind = |query: arrays::Query| {
        query
            .bind(tenant.0)
            .bind(table.device_id)
            .bind(i64::from(table.group))
            .bind(at.0)
            .bind(texts(|facts| &facts.object))
            .bind(texts(|facts| &facts.name))
            .bind(texts(|facts| &facts.kind))
            .bind(texts(|facts| &facts.description))
            .bind(texts(|facts| &facts.parent))
            .bind(texts(|facts| &facts.vendor))
            .bind(texts(|facts| &facts.model))
            .bind(texts(|facts| &facts.serial))
            .bind(texts(|facts| &facts.hardware_revision))
            .bind(texts(|facts| &facts.firmware_revision))
            .bind(texts(|facts| &facts.software_revision))
    };
    arrays::run(&OBJECTS_STORE, txn, bind).await?;
    Ok(())
}
