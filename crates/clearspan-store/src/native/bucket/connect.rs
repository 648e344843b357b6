//! From settings to an object store.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clearspan_model::ErrorKind;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::remote::Remote;
use crate::Result;
use crate::error::Context;

/// A request is tried again by the client so often and so long; after that nobody waits until a probe goes well.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A part of an upload may take so long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Where a bucket is.
#[derive(Clone, Default)]
pub struct BucketAddress {
    /// `s3://bucket/prefix`, or `file:///folder`.
    pub url: String,
    /// Where S3 is spoken, when not by AWS.
    pub endpoint: Option<String>,
    /// The region; some servers take any.
    pub region: Option<String>,
    /// Further settings by the names that AWS's own tools have for them (`AWS_ACCESS_KEY_ID`); unknown ones are ignored.
    pub options: Vec<(String, String)>,
}

/// Without the options: there are secrets among them.
impl std::fmt::Debug for BucketAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketAddress").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Connects to the object store of a data folder.
pub(super) fn connect_for(data_dir: &Path, address: &BucketAddress) -> Result<Remote> {
    let failed = || "object store".to_owned();
    refuse_inside(data_dir, address).context(ErrorKind::InvalidInput, failed)?;
    connect(address).context(ErrorKind::InvalidInput, failed)
}

/// A folder inside of the data folder is no other place: it would be lost with it, and be in its backups.
fn refuse_inside(data_dir: &Path, address: &BucketAddress) -> io::Result<()> {
    let Some(folder) = address.url.strip_prefix("file://").map(Path::new) else { return Ok(()) };
    if !folder.is_absolute() || !resolve(folder)?.starts_with(resolve(data_dir)?) {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(invalid(format!(
        "{} lies inside of the data folder {dir}; choose a folder outside of it",
        address.url
    )))
}

/// Where a path leads, also when its end is not there yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        if part == Component::ParentDir {
            resolved.pop();
        } else {
            resolved.push(part);
        }
        resolved = match resolved.canonicalize() {
            Err(err) if err.kind() == io::ErrorKind::NotFound => resolved,
            found => found?,
        };
    }
    Ok(resolved)
}

fn connect(address: &BucketAddress) -> io::Result<Remote> {
    let url = address.url.trim_end_matches('/');
    if let Some(folder) = url.strip_prefix("file://") {
        return connect_folder(url, Path::new(folder));
    }
    let Some(place) = url.strip_prefix("s3://") else {
        return Err(invalid(format!("{url} is no object store: use s3://bucket/prefix, or file:///folder")));
    };
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err(invalid(format!("{url} names no bucket: use s3://bucket/prefix")));
    }
    let prefix =
        ObjectPath::parse(prefix).map_err(|err| invalid(format!("{url} has a bad prefix: {err}")))?;
    let objects = s3(bucket, address).map_err(|err| invalid(format!("{url} cannot be used: {err}")))?;
    Remote::new(objects, prefix, url.to_owned())
}

fn connect_folder(url: &str, folder: &Path) -> io::Result<Remote> {
    if !folder.is_absolute() {
        return Err(invalid(format!("{url} is no absolute path: use file:///folder")));
    }
    std::fs::create_dir_all(folder)?;
    let objects = LocalFileSystem::new_with_prefix(folder).map_err(io::Error::other)?;
    Remote::new(Arc::new(objects), ObjectPath::default(), url.to_owned())
}

fn s3(bucket: &str, address: &BucketAddress) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::new();
    for (name, value) in &address.options {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(endpoint) = &address.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &address.region {
        builder = builder.with_region(region);
    }
    let is_plain = |key| builder.get_config_value(&key).is_some_and(|url| url.starts_with("http://"));
    let allow_http = is_plain(AmazonS3ConfigKey::Endpoint) || is_plain(AmazonS3ConfigKey::S3Endpoint);
    let client = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(REQUEST_TIMEOUT)
        .with_allow_http(allow_http);
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT };
    let store = builder.with_bucket_name(bucket).with_client_options(client).with_retry(retry).build()?;
    Ok(Arc::new(store))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_inside_of_the_data_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (data, linked) = (root.path().join("data"), root.path().join("linked"));
        std::fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(&data, &linked).unwrap();
        let tried = |store: PathBuf| {
            let address = BucketAddress { url: format!("file://{}", store.display()), ..Default::default() };
            connect_for(&data, &address).map(|_| ()).map_err(|err| crate::native::health::chain(&err))
        };
        for inside in
            [data.clone(), data.join("bucket/x"), linked.join("bucket"), root.path().join("x/../data/b")]
        {
            let told = tried(inside.clone()).unwrap_err();
            assert!(told.contains("lies inside of the data folder"), "{}: {told}", inside.display());
            assert!(!data.join("bucket").exists(), "nothing is made");
        }
        for outside in [root.path().join("bucket"), root.path().join("data-2"), data.join("../other")] {
            tried(outside).unwrap();
        }
    }
}
