//! Generates messages and services with protox: no protoc has to be installed.

use std::path::PathBuf;

use prost::Message as _;

/// Messages with secrets: `src/debug.rs` says what may be shown of them.
const SECRETIVE: [&str; 5] = [
    ".farwatch.v1.EnrollRequest",
    ".farwatch.v1.SnapshotPart",
    ".farwatch.v1.SnmpCommunity",
    ".farwatch.v1.SnmpUser",
    ".farwatch.v1.SshLogin",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["enroll", "uplink", "control"].map(|name| format!("farwatch/v1/{name}.proto"));
    let descriptors = protox::compile(&files, ["."])?;
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out_dir.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".farwatch.v1.Batch.data")
        .bytes(".farwatch.v1.MeasurePart.data")
        .skip_debug(SECRETIVE)
        .codec_path("crate::codec::SmallCodec")
        .compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed=farwatch");
    Ok(())
}
