//! Makes the client's code of the protos. It takes protoc, on PATH or named by PROTOC.

use std::fs::read_dir;
use std::io::Result;
use std::path::PathBuf;

fn main() -> Result<()> {
    let (protos, googleapis) = (PathBuf::from("../../../protos"), PathBuf::from("../../../generated/googleapis"));
    let schema = read_dir(protos.join("flights/v1"))?.map(|entry| Ok(entry?.path()));
    let details = googleapis.join("google/rpc/error_details.proto");
    tonic_prost_build::configure()
        .build_server(false)
        .include_file("protos.rs")
        .compile_protos(&schema.chain([Ok(details)]).collect::<Result<Vec<_>>>()?, &[protos, googleapis])
}
