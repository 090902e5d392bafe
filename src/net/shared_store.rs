//! A store that several machines share: a folder, or a bucket of an S3-compatible service where this
//! program was built with the feature `s3`. It holds bytes under names; what they mean is not known here.
//!
//! The address comes from the command line or the user's environment, credentials from the environment
//! only, and neither ever from an audited tree.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};

/// Largest object that is read: a listing of 100,000 files packs to a few MB.
const OBJECT_LIMIT: u64 = 64 << 20;
/// Variables of which one has to be there: without any the client would ask an address of the network
/// for credentials.
#[cfg(feature = "s3")]
const CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
];

/// Why there is no shared store, or why it did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SharedStoreError {
    /// The address cannot be used.
    #[error("--store {url}: {why}")]
    Address {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store refuses or cannot be reached.
    #[error("the shared store cannot be used: {0}")]
    Refused(#[from] object_store::Error),
    /// An object is larger than anything that this program writes.
    #[error("an object of the shared store has {0} bytes")]
    TooLarge(u64),
}

/// An open store. Copies share it.
#[derive(Clone)]
pub struct SharedStore {
    objects: Arc<dyn ObjectStore>,
    below: Path,
    url: String,
    seal: Option<Arc<[u8]>>,
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore").field("url", &self.url).finish_non_exhaustive()
    }
}

impl SharedStore {
    /// Opens `file:FOLDER`, which is made where it is missing, or `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// [`SharedStoreError::Address`] for other addresses, without the feature, or offline where a socket
    /// would be needed.
    pub fn open(url: &str, offline: bool) -> Result<Self, SharedStoreError> {
        let refuse = |why: String| SharedStoreError::Address { url: url.to_owned(), why };
        if let Some(folder) = url.strip_prefix("file:") {
            let folder = PathBuf::from(folder.strip_prefix("//").unwrap_or(folder));
            if folder.as_os_str().is_empty() {
                return Err(refuse("the folder is missing".to_owned()));
            }
            std::fs::create_dir_all(&folder)
                .map_err(|error| refuse(format!("cannot make the folder: {error}")))?;
            let objects = LocalFileSystem::new_with_prefix(&folder)?;
            let objects: Arc<dyn ObjectStore> = Arc::new(objects);
            return Ok(Self { objects, below: Path::default(), url: url.to_owned(), seal: None });
        }
        let Some(place) = url.strip_prefix("s3://") else {
            return Err(refuse("write file:FOLDER or s3://BUCKET/PREFIX".to_owned()));
        };
        if offline {
            return Err(refuse("it needs a socket, and the run is offline".to_owned()));
        }
        let (bucket, below) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(refuse("the bucket is missing".to_owned()));
        }
        let below = Path::parse(below.trim_end_matches('/')).map_err(|e| refuse(e.to_string()))?;
        let objects = bucket_of(bucket).map_err(refuse)?;
        Ok(Self { objects, below, url: url.to_owned(), seal: None })
    }

    /// With a secret of those who may write what is believed; an empty one is none.
    #[must_use]
    pub fn sealed_with(self, secret: &[u8]) -> Self {
        Self { seal: (!secret.is_empty()).then(|| secret.into()), ..self }
    }

    /// The secret with which values are sealed, if they are. It is not shown and not sent.
    #[must_use]
    pub fn seal(&self) -> Option<&[u8]> {
        self.seal.as_deref()
    }

    /// Whether using it opens a socket.
    #[must_use]
    pub fn needs_socket(&self) -> bool {
        !self.url.starts_with("file:")
    }

    fn path(&self, name: &[&str]) -> Path {
        let parts = self.below.parts();
        parts.chain(name.iter().map(|part| (*part).into())).collect()
    }

    /// The object under a name, its segments given one by one; `None` where there is none.
    pub async fn get(&self, name: &[&str]) -> Result<Option<Vec<u8>>, SharedStoreError> {
        let found = match self.objects.get(&self.path(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if found.meta.size > OBJECT_LIMIT {
            return Err(SharedStoreError::TooLarge(found.meta.size));
        }
        Ok(Some(found.bytes().await?.to_vec()))
    }

    /// Writes an object, whole or not at all. Without `over` the first writer wins, and the answer tells
    /// whether it was this one.
    pub async fn put(
        &self,
        name: &[&str],
        bytes: Vec<u8>,
        over: bool,
    ) -> Result<bool, SharedStoreError> {
        let mode = if over { PutMode::Overwrite } else { PutMode::Create };
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.objects.put_opts(&self.path(name), bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(feature = "s3")]
fn bucket_of(bucket: &str) -> Result<Arc<dyn ObjectStore>, String> {
    use object_store::aws::AmazonS3Builder;
    if !CREDENTIALS.iter().any(|name| std::env::var_os(name).is_some()) {
        return Err(format!(
            "there are no credentials in the environment: {}",
            CREDENTIALS.join(", ")
        ));
    }
    super::client::provide_cryptography();
    let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    builder.build().map(|made| Arc::new(made) as Arc<dyn ObjectStore>).map_err(|e| e.to_string())
}

#[cfg(not(feature = "s3"))]
fn bucket_of(_: &str) -> Result<Arc<dyn ObjectStore>, String> {
    Err("this program was built without S3: install it with --features s3".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T>(future: impl Future<Output = T>) -> T {
        crate::net::runtime().unwrap().block_on(future)
    }

    #[test]
    fn the_first_writer_wins_and_a_damaged_object_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().join("made").display());
        let (one, other) =
            (SharedStore::open(&url, true).unwrap(), SharedStore::open(&url, true).unwrap());
        let name = ["facts", "a"];
        wait(async {
            assert_eq!(one.get(&name).await.unwrap(), None);
            assert!(one.put(&name, b"1".to_vec(), false).await.unwrap());
            assert!(!other.put(&name, b"2".to_vec(), false).await.unwrap());
            assert_eq!(other.get(&name).await.unwrap(), Some(b"1".to_vec()));
            assert!(other.put(&name, b"3".to_vec(), true).await.unwrap());
            assert_eq!(one.get(&name).await.unwrap(), Some(b"3".to_vec()));
        });
    }

    #[test]
    fn other_addresses_are_refused_and_so_is_a_socket_offline() {
        for (url, offline) in [
            ("http://x/", false),
            ("file:", false),
            ("s3://", false),
            ("s3://b/p", true),
            ("/x", false),
        ] {
            let error = SharedStore::open(url, offline).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--store {url}: ")), "{error}");
        }
    }

    #[test]
    fn no_segment_of_a_name_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().join("inner").display());
        let store = SharedStore::open(&url, true).unwrap();
        wait(async {
            store.put(&["..", "../x", "a/b"], b"1".to_vec(), false).await.unwrap();
        });
        let outside: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(outside.len(), 1, "{outside:?}");
    }
}
