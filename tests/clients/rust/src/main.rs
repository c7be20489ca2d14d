// SPDX-License-Identifier: Apache-2.0
//
// What a program on rskafka (Rust all through, no groups) does. usage: walk HOST:PORT walk

use std::{collections::BTreeMap, env, error::Error, time::Duration};

use chrono::{DateTime, Utc};
use rskafka::client::error::{Error as ClientError, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, UnknownTopicHandling};
use rskafka::client::ClientBuilder;
use rskafka::record::Record;

fn record(text: &str, number: i64, start: i64) -> Record {
    Record {
        key: Some(format!("key {number}").into_bytes()),
        value: Some(format!("{text} {number}").into_bytes()),
        headers: BTreeMap::from([("n".to_owned(), number.to_string().into_bytes())]),
        timestamp: DateTime::<Utc>::from_timestamp_millis(start + number).unwrap(),
    }
}

async fn walk(broker: String) -> Result<(), Box<dyn Error>> {
    let topic = format!("rskafka-{}", Utc::now().timestamp_nanos_opt().unwrap());
    let client = ClientBuilder::new(vec![broker]).build().await?;
    let controller = client.controller_client()?;
    controller.create_topic(&topic, 2, 1, 30_000).await?;
    match controller.create_topic(&topic, 2, 1, 30_000).await {
        Err(ClientError::ServerError { protocol_error: ProtocolError::TopicAlreadyExists, .. }) => {}
        other => panic!("a topic made twice: {other:?}"),
    }
    let listed = client.list_topics().await?;
    assert_eq!(listed.iter().find(|one| one.name == topic).unwrap().partitions.len(), 2);

    let place = client.partition_client(&topic, 1, UnknownTopicHandling::Error).await?;
    let mut wanted = Vec::new();
    let now = Utc::now().timestamp_millis();
    for codec in [Compression::NoCompression, Compression::Gzip, Compression::Lz4, Compression::Snappy, Compression::Zstd] {
        let start = wanted.len() as i64;
        let records: Vec<_> = (start..start + 100).map(|n| record(&format!("{codec:?}"), n, now)).collect();
        assert_eq!(place.produce(records.clone(), codec).await?, (start..start + 100).collect::<Vec<_>>());
        wanted.extend(records);
    }
    let mut got = Vec::new();
    while got.len() < wanted.len() {
        let (records, end) = place.fetch_records(got.len() as i64, 1..4_000, 1_000).await?;
        assert_eq!(end, wanted.len() as i64);
        for one in records {
            assert_eq!(one.offset, got.len() as i64);
            got.push(one.record);
        }
    }
    assert_eq!(got, wanted);

    let at = wanted[250].timestamp;
    assert_eq!(place.get_offset(OffsetAt::Timestamp(at)).await?, 250);
    place.delete_records(100, 30_000).await?;
    assert_eq!(place.get_offset(OffsetAt::Earliest).await?, 100);
    assert_eq!(place.get_offset(OffsetAt::Latest).await?, 500);
    match place.fetch_records(0, 1..4_000, 100).await {
        Err(ClientError::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. }) => {}
        other => panic!("a deleted record was read: {other:?}"),
    }
    controller.delete_topic(&topic, 30_000).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), walk(words[1].clone())).await })??;
    println!("ok");
    Ok(())
}
