//! Generates messages and services with protox: no protoc has to be installed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["enroll", "uplink", "control"].map(|name| format!("farwatch/v1/{name}.proto"));
    let descriptors = protox::compile(&files, ["."])?;
    tonic_prost_build::configure().bytes(".farwatch.v1.Batch.data").compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed=farwatch");
    Ok(())
}
