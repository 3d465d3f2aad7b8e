//! The wire protocol between agent and collector, generated from `proto/farwatch/v1/*.proto`.

mod codec;
mod debug;
mod names;

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

/// Every file of the protocol, as an encoded `google.protobuf.FileDescriptorSet`: says which
/// services and methods there are.
pub const FILE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
