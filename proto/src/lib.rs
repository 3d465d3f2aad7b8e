//! The wire protocol between agent and collector, generated from `proto/farwatch/v1/*.proto`.

/// Messages, clients and servers of version 1.
#[expect(
    clippy::allow_attributes_without_reason,
    clippy::all,
    unused_qualifications,
    reason = "generated"
)]
pub mod v1 {
    tonic::include_proto!("farwatch.v1");
}
