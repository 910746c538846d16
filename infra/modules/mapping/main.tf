# The event sources of one function: a mapping for each topic.

locals {
  kinesis = var.source_of.kind == "kinesis"
  managed = contains(["msk", "msk_serverless"], var.source_of.kind)
  pollers = var.settings.provisioned_pollers
  # Retries, and what else there is for failures, Kafka's mappings have with provisioned pollers alone.
  bounded = local.kinesis || local.pollers != null
}

resource "aws_lambda_event_source_mapping" "this" {
  for_each = toset(var.topics)

  function_name    = var.function_arn
  enabled          = var.settings.enabled
  event_source_arn = local.kinesis ? var.source_of.streams[each.key] : local.managed ? var.source_of.cluster_arn : null
  topics           = local.kinesis ? null : [each.key]

  batch_size                         = var.settings.batch_size
  maximum_batching_window_in_seconds = var.settings.batching_window_seconds
  starting_position                  = var.settings.starting_position
  starting_position_timestamp        = var.settings.starting_position_timestamp
  maximum_retry_attempts             = local.bounded ? var.settings.maximum_retry_attempts : null
  # A shard's records come in their order, one batch at a time.
  parallelization_factor  = local.kinesis ? 1 : null
  function_response_types = local.kinesis ? ["ReportBatchItemFailures"] : null

  dynamic "self_managed_event_source" {
    for_each = var.source_of.kind == "kafka" ? [1] : []
    content {
      endpoints = { KAFKA_BOOTSTRAP_SERVERS = var.source_of.bootstrap_servers }
    }
  }

  dynamic "self_managed_kafka_event_source_config" {
    for_each = var.source_of.kind == "kafka" ? [1] : []
    content {
      consumer_group_id = var.groups[each.key]
    }
  }

  dynamic "amazon_managed_kafka_event_source_config" {
    for_each = local.managed ? [1] : []
    content {
      consumer_group_id = var.groups[each.key]
    }
  }

  dynamic "source_access_configuration" {
    for_each = var.source_of.access
    content {
      type = source_access_configuration.value.type
      uri  = source_access_configuration.value.uri
    }
  }

  dynamic "filter_criteria" {
    for_each = length(var.settings.filters) > 0 ? [1] : []
    content {
      dynamic "filter" {
        for_each = var.settings.filters
        content {
          pattern = filter.value
        }
      }
    }
  }

  dynamic "destination_config" {
    for_each = var.settings.on_failure == null ? [] : [var.settings.on_failure]
    content {
      on_failure {
        destination_arn = destination_config.value
      }
    }
  }

  dynamic "provisioned_poller_config" {
    for_each = local.kinesis || local.pollers == null ? [] : [local.pollers]
    content {
      minimum_pollers   = provisioned_poller_config.value.minimum
      maximum_pollers   = provisioned_poller_config.value.maximum
      poller_group_name = provisioned_poller_config.value.group
    }
  }

  lifecycle {
    precondition {
      condition     = !startswith(coalesce(var.settings.on_failure, "-"), "kafka://") || !local.kinesis
      error_message = "Kinesis has no topic to send failed batches to: on_failure is the ARN of an SQS queue, an SNS topic or an S3 bucket."
    }

    precondition {
      condition     = local.pollers == null || !local.kinesis
      error_message = "Kinesis has no provisioned pollers."
    }

    precondition {
      condition     = var.settings.maximum_retry_attempts == -1 || local.bounded
      error_message = "On-demand Kafka mappings repeat a batch until it expires; retries are bounded with provisioned pollers alone."
    }
  }
}
