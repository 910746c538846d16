//! Files in a bucket of S3.

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use bytes::Bytes;

use super::Bucket;
use crate::{
    error::causes,
    http::{Failure, Then},
};

/// A bucket, and what the names in it begin with.
#[derive(Clone, Debug)]
pub(in crate::sink) struct Objects {
    client: Client,
    bucket: String,
    prefix: String,
}

impl Objects {
    /// The bucket, reached as `aws` says. It does not retry by itself: that is done for all targets alike.
    pub(super) fn new(aws: &SdkConfig, bucket: &Bucket) -> Self {
        let elsewhere = std::env::var_os("AWS_ENDPOINT_URL_S3").is_some() || aws.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(aws).retry_config(RetryConfig::disabled());
        // Other servers have no name of their own for each bucket.
        let client = Client::from_conf(config.force_path_style(elsewhere).build());
        Self { client, bucket: bucket.name.clone(), prefix: bucket.prefix.clone() }
    }

    pub(in super::super) async fn put(&self, path: &str, file: Bytes) -> Result<(), Failure> {
        let put = self.client.put_object().bucket(&self.bucket).key(self.key(path));
        let put = put.content_type("application/vnd.apache.parquet").body(ByteStream::from(file));
        put.send().await.map(drop).map_err(|error| failure(&error))
    }

    pub(in super::super) async fn get(&self, path: &str) -> Result<Bytes, Failure> {
        let get = self.client.get_object().bucket(&self.bucket).key(self.key(path));
        let answer = get.send().await.map_err(|error| failure(&error))?;
        let body = answer.body.collect().await;
        Ok(body.map_err(|error| Failure::unanswered(causes(&error)))?.into_bytes())
    }

    pub(in super::super) async fn delete(&self, path: &str) -> Result<(), Failure> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(self.key(path));
        delete.send().await.map(drop).map_err(|error| failure(&error))
    }

    pub(in super::super) async fn list(&self, start: &str) -> Result<Vec<String>, Failure> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(self.key(start));
        let mut pages = list.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure(&error))?;
            let keys = page.contents().iter().filter_map(|object| object.key()?.strip_prefix(&self.prefix));
            found.extend(keys.map(str::to_owned));
        }
        Ok(found)
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

fn failure<E: std::error::Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> Failure {
    match error {
        SdkError::ServiceError(answer) => {
            let (status, code) = (answer.raw().status().as_u16(), answer.err().code().unwrap_or("an error"));
            let message = answer.err().message().unwrap_or("it gave no reason");
            let mut failure = Failure::answered(format!("S3 answered {code}: {message}"), status, None);
            if code == "RequestTimeout" {
                failure.then = Then::Retry;
            }
            failure
        }
        SdkError::ConstructionFailure(_) => Failure::impossible(causes(error)),
        _ => Failure::unanswered(causes(error)),
    }
}
