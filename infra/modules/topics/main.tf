# Where the topics are and how they are reached; the topics themselves, where AWS has a way to make them.

data "aws_region" "this" {}

locals {
  kind = var.streams.kind
  auth = var.streams.auth
  msk  = contains(["msk", "msk_serverless"], local.kind)

  made_cluster = local.kind == "msk_serverless" ? aws_msk_serverless_cluster.this[0] : null
  cluster_arn  = local.made_cluster == null ? var.streams.cluster_arn : local.made_cluster.arn

  roles = [
    "table", "result", "sentence", "alert", "late", "dead_letter", "notify_dead_letter", "sink_dead_letter",
  ]
  named = { for role in local.roles : role => sort([
    for name, topic in var.topics : name if topic.role == role
  ]) }
}

resource "aws_msk_serverless_cluster" "this" {
  count        = local.kind == "msk_serverless" ? 1 : 0
  cluster_name = var.name

  vpc_config {
    subnet_ids         = var.network == null ? [] : var.network.subnet_ids
    security_group_ids = var.network == null ? [] : var.network.security_group_ids
  }

  client_authentication {
    sasl {
      iam {
        enabled = true
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.network != null
      error_message = "MSK Serverless needs a network: two subnets or more, in different zones."
    }
  }
}

data "aws_msk_bootstrap_brokers" "this" {
  count       = local.kind == "msk" ? 1 : 0
  cluster_arn = var.streams.cluster_arn
}

resource "aws_msk_topic" "this" {
  for_each = local.kind == "msk" && var.streams.create_topics ? var.topics : {}

  cluster_arn        = var.streams.cluster_arn
  name               = each.key
  partition_count    = each.value.partitions
  replication_factor = var.streams.replication_factor
  configs            = jsonencode({ "retention.ms" = tostring(each.value.retention_hours * 3600000) })
}

resource "aws_kinesis_stream" "this" {
  #checkov:skip=CKV_AWS_185:Encrypted by the service's own key unless kms_key_arn names another
  for_each = local.kind == "kinesis" && var.streams.create_topics ? var.topics : {}

  name             = each.key
  shard_count      = each.value.partitions
  retention_period = each.value.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = coalesce(var.kms_key_arn, "alias/aws/kinesis")

  stream_mode_details {
    stream_mode = "PROVISIONED"
  }
}
