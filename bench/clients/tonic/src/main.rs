//! Calls a method by tonic, as bench/clients/README.md says.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, BufMut};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

#[derive(Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Bytes;
    type Decoder = Bytes;
    fn encoder(&mut self) -> Bytes {
        Bytes
    }
    fn decoder(&mut self) -> Bytes {
        Bytes
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; from.remaining()];
        from.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}

async fn call(channel: &Channel, path: &http::uri::PathAndQuery, body: Vec<u8>, n: usize, token: &str) -> Code {
    let mut request = Request::new(body);
    request.set_timeout(Duration::from_secs(20));
    let trace = format!("00-{:032x}-{:016x}-01", n as u128 * 0x9e3779b97f4a7c15 + 1, n as u64 + 1);
    request.metadata_mut().insert("traceparent", trace.parse().unwrap());
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    let mut client = Grpc::new(channel.clone());
    if let Err(error) = client.ready().await {
        eprintln!("{error}");
        return Code::Unavailable;
    }
    match client.unary(request, path.clone(), Bytes).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

fn unhex(line: &str) -> Vec<u8> {
    (0..line.len() / 2).map(|i| u8::from_str_radix(&line[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = env::args().collect();
    let bodies: Vec<Vec<u8>> = fs::read_to_string(&args[3]).unwrap().lines().map(unhex).collect();
    let (calls, in_flight): (usize, usize) = (args[4].parse().unwrap(), args[5].parse().unwrap());
    let shared = Arc::new((bodies, args[6].clone(), args[2].parse::<http::uri::PathAndQuery>().unwrap()));
    let channel = Endpoint::from_shared(format!("http://{}", args[1])).unwrap().connect().await.unwrap();
    let begun = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (shared, channel, begun) = (shared.clone(), channel.clone(), begun.clone());
            tokio::spawn(async move {
                let mut codes = Vec::new();
                loop {
                    let n = begun.fetch_add(1, Ordering::Relaxed);
                    if n >= calls {
                        return codes;
                    }
                    codes.push(call(&channel, &shared.2, shared.0[n % shared.0.len()].clone(), n, &shared.1).await);
                }
            })
        })
        .collect();
    let mut counts = BTreeMap::new();
    for caller in callers {
        for code in caller.await.unwrap() {
            *counts.entry(code as i32).or_insert(0) += 1;
        }
    }
    let printed: Vec<String> = counts.iter().map(|(code, n)| format!("\"{code}\": {n}")).collect();
    println!("{{{}}}", printed.join(", "));
}
