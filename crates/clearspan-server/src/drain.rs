//! The rest of a body that is refused.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;

/// How much of a refused body is still read, so that the client has written all of it when the answer arrives;
/// many clients do not look for an answer earlier and see a broken connection instead.
const MAX_BYTES: usize = 128 << 20;
const MAX_TIME: Duration = Duration::from_secs(10);

/// Reads and forgets what a client still sends of a refused body.
pub(crate) async fn drain(mut body: Body) {
    let reading = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > MAX_BYTES {
                return;
            }
        }
    };
    // A client that takes longer sees its connection close.
    let _in_time = tokio::time::timeout(MAX_TIME, reading).await;
}
