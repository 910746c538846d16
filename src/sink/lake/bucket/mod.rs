//! Buckets of S3; none can be reached without the feature `sink-s3`.

#[cfg(feature = "sink-s3")]
mod objects;

#[cfg(feature = "sink-s3")]
use aws_config::{BehaviorVersion, SdkConfig};

#[cfg(feature = "sink-s3")]
pub(super) use self::objects::Objects;
use super::{super::target::Bucket, Store};

/// This build has no S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to reach s3://{bucket}: this build has no S3; build it with the feature sink-s3")]
pub struct NoS3 {
    /// The bucket's name.
    pub bucket: String,
}

/// How buckets are reached.
#[cfg(feature = "sink-s3")]
#[derive(Clone, Debug)]
pub(in crate::sink) struct Buckets(pub(in crate::sink) SdkConfig);

/// How buckets are reached: not at all.
#[cfg(not(feature = "sink-s3"))]
#[derive(Clone, Debug)]
pub(in crate::sink) struct Buckets;

#[cfg(feature = "sink-s3")]
impl Buckets {
    /// With the region, keys and endpoint of the environment (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`), where
    /// any is to be reached.
    pub(in crate::sink) async fn of_environment(is_any: bool) -> Self {
        Self(if is_any {
            aws_config::defaults(BehaviorVersion::latest()).load().await
        } else {
            SdkConfig::builder().build()
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "without the feature there is none")]
    pub(in crate::sink) fn open(&self, bucket: &Bucket) -> Result<Store, NoS3> {
        Ok(Store::Bucket(Objects::new(&self.0, bucket)))
    }
}

#[cfg(not(feature = "sink-s3"))]
impl Buckets {
    #[expect(clippy::unused_async, reason = "with the feature it asks the environment")]
    pub(in crate::sink) async fn of_environment(_is_any: bool) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "with the feature it knows how")]
    pub(in crate::sink) fn open(&self, bucket: &Bucket) -> Result<Store, NoS3> {
        Err(NoS3 { bucket: bucket.name.clone() })
    }
}

#[cfg(all(test, not(feature = "sink-s3")))]
mod tests {
    use super::super::super::Target;
    use crate::sink::{CompactError, Limits, Scope, compact};

    #[tokio::test]
    async fn a_bucket_is_refused_by_name_and_the_feature_named() {
        let target = Target::list("s3://rows/web").unwrap().remove(0);
        let refused = compact(&target, &Scope::default(), Limits::default(), |_| ()).await;
        let Err(CompactError::NoS3(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(
            error.to_string(),
            "failed to reach s3://rows: this build has no S3; build it with the feature sink-s3"
        );
    }
}
