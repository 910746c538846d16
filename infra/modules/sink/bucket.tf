# The bucket of the Parquet files, where it is to be made here.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Access logs need a bucket of their own; who has to have them adds them
  #checkov:skip=CKV_AWS_144:The topics and the table hold the same rows; copies to another region are for who needs them
  #checkov:skip=CKV_AWS_145:Encrypted by S3's own key unless kms_key_arn names another
  #checkov:skip=CKV2_AWS_62:Nobody has to be told of a new file
  count         = try(var.bucket.create, false) ? 1 : 0
  bucket        = var.bucket.name
  force_destroy = var.bucket.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  count                   = length(aws_s3_bucket.this)
  bucket                  = aws_s3_bucket.this[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  count  = length(aws_s3_bucket.this)
  bucket = aws_s3_bucket.this[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

# A file that is compacted away can be had back for a while.
resource "aws_s3_bucket_versioning" "this" {
  count  = length(aws_s3_bucket.this)
  bucket = aws_s3_bucket.this[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count  = length(aws_s3_bucket.this)
  bucket = aws_s3_bucket.this[0].id

  rule {
    id     = "old"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  dynamic "rule" {
    for_each = var.bucket.expire_days == null ? [] : [var.bucket.expire_days]
    content {
      id     = "expire"
      status = "Enabled"

      filter {
        prefix = var.bucket.prefix
      }

      expiration {
        days = rule.value
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  count  = length(aws_s3_bucket.this)
  bucket = aws_s3_bucket.this[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this[0].arn, "${aws_s3_bucket.this[0].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
