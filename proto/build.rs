//! Generates messages and services with protox: no protoc has to be installed.

use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["enroll", "uplink", "control"].map(|name| format!("farwatch/v1/{name}.proto"));
    let descriptors = protox::compile(&files, ["."])?;
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out_dir.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".farwatch.v1.Batch.data")
        .bytes(".farwatch.v1.MeasurePart.data")
        .compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed=farwatch");
    Ok(())
}
