//! Calls the flights sample by tonic: flights-client 127.0.0.1:50051

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use prost::Message;
use prost_types::{FieldMask, Timestamp};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, TimeoutExpired};

#[allow(dead_code)]
mod protos {
    tonic::include_proto!("protos");
}

use protos::flights::v1::airline_service_client::AirlineServiceClient;
use protos::flights::v1::airport_service_client::AirportServiceClient;
use protos::flights::v1::flight_service_client::FlightServiceClient;
use protos::flights::v1::plane_service_client::PlaneServiceClient;
use protos::flights::v1::{
    BulkUpsertPlanesRequest, Flight, GetAirlineRequest, IngestFlightsRequest, ListAirportsRequest, Plane,
    StreamFlightsRequest,
};
use protos::google::rpc::{BadRequest, ErrorInfo};
use protos::rowgate::v1::IngestStart;

const FLIGHT_KEY: [&str; 4] = ["carrier", "flight_number", "origin", "scheduled_departure_time"];

fn within<T>(seconds: u64, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_secs(seconds));
    request
}

/// Makes a call, and makes it again where the server was unavailable: tonic has no retry policy.
async fn retried<T>(mut call: impl AsyncFnMut() -> Result<T, Status>) -> Result<T, Status> {
    let mut pause = Duration::from_millis(100);
    for _ in 0..4 {
        match call().await {
            Err(status) if broke_off(&status) => sleep(pause).await,
            ended => return ended,
        }
        pause *= 2;
    }
    call().await
}

/// Tells whether the server was unavailable. Where a connection breaks tonic gives other codes too, with the cause as
/// source, and so it does where this side's deadline passes.
fn broke_off(status: &Status) -> bool {
    let is_late = |cause: &(dyn Error + 'static)| cause.source().is_some_and(|inner| inner.is::<TimeoutExpired>());
    status.code() == Code::Unavailable || status.source().is_some_and(|cause| !is_late(cause))
}

/// Gets one row by its key.
async fn airline_name(channel: &Channel, carrier: &str) -> Result<String, Status> {
    let mut airlines = AirlineServiceClient::new(channel.clone());
    let request = GetAirlineRequest { carrier: carrier.into(), ..Default::default() };
    let answer = retried(async || airlines.get_airline(within(20, request.clone())).await).await?;
    Ok(answer.into_inner().name)
}

/// Lists all pages; only the token differs from page to page.
async fn airports(channel: &Channel, filter: &str) -> Result<Vec<String>, Status> {
    let mut airports = AirportServiceClient::new(channel.clone());
    let mut request = ListAirportsRequest {
        filter: filter.into(),
        page_size: 100,
        read_mask: Some(FieldMask { paths: vec!["faa".into()] }),
        ..Default::default()
    };
    let mut codes = Vec::new();
    loop {
        let page = retried(async || airports.list_airports(within(20, request.clone())).await).await?.into_inner();
        codes.extend(page.airports.into_iter().map(|airport| airport.faa));
        if page.next_page_token.is_empty() {
            return Ok(codes);
        }
        request.page_token = page.next_page_token;
    }
}

/// Writes many rows by one call: the good ones are stored, each bad one has a status of its own.
async fn upsert(channel: &Channel, planes: Vec<Plane>) -> Result<(i64, Vec<i32>), Status> {
    let mut service = PlaneServiceClient::new(channel.clone());
    let request =
        BulkUpsertPlanesRequest { planes, partial_failure: true, request_id: new_uuid(), ..Default::default() };
    let answer = retried(async || service.bulk_upsert_planes(within(30, request.clone())).await).await?.into_inner();
    let stored = answer.inserted_count + answer.updated_count + answer.unchanged_count;
    Ok((stored, answer.failures.iter().map(|failure| failure.index).collect()))
}

/// Sends chunks, each acknowledged when it is stored, and goes on behind those that are.
async fn ingest(channel: &Channel, name: &str, chunks: &[Vec<Flight>]) -> Result<usize, Status> {
    let mut flights = FlightServiceClient::new(channel.clone());
    let start = IngestStart {
        stream_id: name.into(),
        conflict_target: FLIGHT_KEY.map(String::from).into(),
        ..Default::default()
    };
    retried(async || {
        let (sender, receiver) = mpsc::channel(1);
        // A stream that ended takes nothing: its answer says why.
        let first = IngestFlightsRequest { start: Some(start.clone()), ..Default::default() };
        let _ = sender.send(first).await;
        let mut answers = flights.ingest_flights(within(60, ReceiverStream::new(receiver))).await?.into_inner();
        let mut stored = 0;
        while stored < chunks.len() {
            let answer = answers.message().await?.ok_or_else(|| Status::unavailable("the stream ended early"))?;
            stored = answer.watermark as usize;
            if let Some(chunk) = chunks.get(stored) {
                let sequence = stored as i64 + 1;
                let _ = sender.send(IngestFlightsRequest { sequence, flights: chunk.clone(), start: None }).await;
            }
        }
        // Ends the call, which would be cancelled otherwise.
        drop(sender);
        while answers.message().await?.is_some() {}
        Ok(stored)
    })
    .await
}

/// Reads all rows of a query, and goes on behind the last chunk that came.
async fn stream(channel: &Channel, filter: &str) -> Result<Vec<Flight>, Status> {
    let mut flights = FlightServiceClient::new(channel.clone());
    let mut request = StreamFlightsRequest { filter: filter.into(), ..Default::default() };
    let mut rows = Vec::new();
    retried(async || {
        let mut chunks = flights.stream_flights(within(60, request.clone())).await?.into_inner();
        while let Some(chunk) = chunks.message().await? {
            rows.extend(chunk.flights);
            request.resume_token = chunk.resume_token;
        }
        Ok(())
    })
    .await?;
    Ok(rows)
}

/// Tells why a call was refused, by its details.
fn refusal(status: &Status) -> String {
    let (mut reason, mut fields) = (String::new(), Vec::new());
    let told = protos::google::rpc::Status::decode(status.details()).unwrap_or_default();
    for detail in told.details {
        if detail.type_url.ends_with("/google.rpc.ErrorInfo") {
            reason = ErrorInfo::decode(&*detail.value).unwrap_or_default().reason;
        } else if detail.type_url.ends_with("/google.rpc.BadRequest") {
            let bad = BadRequest::decode(&*detail.value).unwrap_or_default();
            fields.extend(bad.field_violations.into_iter().map(|violation| violation.field));
        }
    }
    format!(r#"{{"code": {}, "reason": {reason:?}, "fields": {fields:?}}}"#, status.code() as i32)
}

fn new_uuid() -> String {
    let random = || RandomState::new().hash_one(0);
    let (high, low) = (random(), random());
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48, low << 16 >> 16)
}

fn plane(tail_number: &str, seat_count: i32) -> Plane {
    Plane {
        tail_number: tail_number.into(),
        manufacturer: "ROWGATE".into(),
        engine_count: 2,
        seat_count,
        ..Default::default()
    }
}

fn flight(flight_number: i32) -> Flight {
    Flight {
        carrier: "UA".into(),
        flight_number,
        origin: "EWR".into(),
        destination: "SFO".into(),
        scheduled_departure_time: Some(Timestamp { seconds: 1_780_300_800, nanos: 0 }),
        scheduled_arrival_time: Some(Timestamp { seconds: 1_780_322_400, nanos: 0 }),
        distance_miles: 2565,
        ..Default::default()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).ok_or("name the gateway: flights-client 127.0.0.1:50051")?;
    let channel = Endpoint::from_shared(format!("http://{target}"))?.connect_lazy();
    let chunks = [9501, 9503, 9505].map(|number| vec![flight(number), flight(number + 1)]);

    let airline = airline_name(&channel, "UA").await?;
    let airports_found = airports(&channel, r#"time_zone = "America/Anchorage""#).await?.len();
    let (stored, refused) = upsert(&channel, vec![plane("N1RG", 100), plane("N2RG", 0), plane("N3RG", 50)]).await?;
    let stored_chunks = ingest(&channel, "examples/clients/rust", &chunks).await?;
    let flights = stream(&channel, r#"carrier = "UA" AND flight_number > 9500"#).await?.len();
    let missing = refusal(&airline_name(&channel, "ZZ").await.expect_err("there is no ZZ"));
    let unreadable = refusal(&airports(&channel, "time_zone =").await.expect_err("that is no filter"));
    println!(
        r#"{{"airline": {airline:?}, "airports": {airports_found}, "planes": {{"stored": {stored}, "refused": {refused:?}}},
 "stored_chunks": {stored_chunks}, "flights": {flights}, "refusals": [{missing}, {unreadable}]}}"#
    );
    Ok(())
}
