# The event sources: of which kind, and with which controls.

mock_provider "aws" {
  source = "../../mocks"
}

variables {
  function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:weir-test-window"
  topics       = ["clicks", "impressions"]
  groups       = { clicks = "weir-test-window-clicks", impressions = "weir-test-window-impressions" }
  source_of = {
    kind        = "msk"
    cluster_arn = "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f-1"
    access      = [{ type = "SASL_SCRAM_512_AUTH", uri = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s" }]
    streams     = {}
  }
}

run "on_demand_from_msk" {
  assert {
    condition     = toset(keys(aws_lambda_event_source_mapping.this)) == toset(["clicks", "impressions"])
    error_message = "Each topic has a mapping of its own."
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.this["clicks"].event_source_arn == "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f-1"
      && aws_lambda_event_source_mapping.this["clicks"].topics == toset(["clicks"])
      && aws_lambda_event_source_mapping.this["clicks"].amazon_managed_kafka_event_source_config[0].consumer_group_id == "weir-test-window-clicks"
    )
    error_message = "A mapping names its cluster, its topic and its group."
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.this["clicks"].batch_size == 10000
      && aws_lambda_event_source_mapping.this["clicks"].starting_position == "TRIM_HORIZON"
    )
    error_message = "By default batches are large, and begin at the oldest record."
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.this["clicks"].provisioned_poller_config) == 0
    error_message = "Pollers that are always there are an option."
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.this["clicks"].destination_config) == 0 && length(output.statements) == 0
    error_message = "No batch is given up unless that is asked for."
  }
}

run "provisioned_pollers" {
  variables {
    settings = {
      provisioned_pollers    = { minimum = 1, maximum = 4 }
      maximum_retry_attempts = 100
      on_failure             = "arn:aws:sqs:eu-central-1:123456789012:failed"
      filters                = ["{\"value\":{\"status\":[\"paid\"]}}"]
    }
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.this["clicks"].provisioned_poller_config[0].maximum_pollers == 4
      && aws_lambda_event_source_mapping.this["clicks"].maximum_retry_attempts == 100
    )
    error_message = "Provisioned pollers bound the retries."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this["clicks"].destination_config[0].on_failure[0].destination_arn == "arn:aws:sqs:eu-central-1:123456789012:failed"
    error_message = "Failed batches go to the queue."
  }
  assert {
    condition     = jsonencode(output.statements) == jsonencode([{ actions = ["sqs:SendMessage"], resources = ["arn:aws:sqs:eu-central-1:123456789012:failed"], sid = "OnFailure" }])
    error_message = "The function may send to the queue, and do nothing else with it."
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.this["clicks"].filter_criteria[0].filter) == 1
    error_message = "Filters are filters."
  }
}

run "failed_batches_to_a_topic" {
  variables {
    settings = { on_failure = "kafka://weir.failed" }
  }
  assert {
    condition     = output.statements[0].resources[0] == "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f-1/weir.failed"
    error_message = "The function may write the topic of failed batches."
  }
}

run "failed_batches_to_a_bucket" {
  variables {
    settings = { on_failure = "arn:aws:s3:::failed" }
  }
  assert {
    condition     = jsonencode([for s in output.statements : s.resources]) == jsonencode([["arn:aws:s3:::failed/*"], ["arn:aws:s3:::failed"]])
    error_message = "The function may write to the bucket, and look into it."
  }
}

run "from_a_time" {
  variables {
    settings = { starting_position = "AT_TIMESTAMP", starting_position_timestamp = "2026-11-01T00:00:00Z" }
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this["clicks"].starting_position_timestamp == "2026-11-01T00:00:00Z"
    error_message = "The time is handed on."
  }
}

run "from_a_cluster_of_ones_own" {
  variables {
    source_of = { kind = "kafka", bootstrap_servers = "k-1:9092,k-2:9092", access = [], streams = {} }
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.this["clicks"].self_managed_event_source[0].endpoints["KAFKA_BOOTSTRAP_SERVERS"] == "k-1:9092,k-2:9092"
      && aws_lambda_event_source_mapping.this["clicks"].self_managed_kafka_event_source_config[0].consumer_group_id == "weir-test-window-clicks"
      && length(aws_lambda_event_source_mapping.this["clicks"].amazon_managed_kafka_event_source_config) == 0
    )
    error_message = "A self-managed cluster is named by its brokers."
  }
}

run "from_kinesis" {
  variables {
    source_of = {
      kind    = "kinesis"
      access  = []
      streams = { clicks = "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks", impressions = "arn:aws:kinesis:eu-central-1:123456789012:stream/impressions" }
    }
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.this["clicks"].event_source_arn == "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"
      && aws_lambda_event_source_mapping.this["clicks"].parallelization_factor == 1
      && aws_lambda_event_source_mapping.this["clicks"].function_response_types == toset(["ReportBatchItemFailures"])
    )
    error_message = "A shard's batches come one after the other, and may fail in part."
  }
}

run "retries_without_pollers" {
  command = plan
  variables {
    settings = { maximum_retry_attempts = 3 }
  }
  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "a_batch_that_is_too_large" {
  command = plan
  variables {
    settings = { batch_size = 10001 }
  }
  expect_failures = [var.settings]
}

run "a_filter_that_is_no_json" {
  command = plan
  variables {
    settings = { filters = ["status = 'paid'"] }
  }
  expect_failures = [var.settings]
}

run "a_time_without_at_timestamp" {
  command = plan
  variables {
    settings = { starting_position_timestamp = "2026-11-01T00:00:00Z" }
  }
  expect_failures = [var.settings]
}

run "at_timestamp_without_a_time" {
  command = plan
  variables {
    settings = { starting_position = "AT_TIMESTAMP" }
  }
  expect_failures = [var.settings]
}

run "a_destination_that_lambda_does_not_take" {
  command = plan
  variables {
    settings = { on_failure = "arn:aws:lambda:eu-central-1:123456789012:function:mine" }
  }
  expect_failures = [var.settings]
}

run "fewer_at_most_than_at_least" {
  command = plan
  variables {
    settings = { provisioned_pollers = { minimum = 4, maximum = 2 } }
  }
  expect_failures = [var.settings]
}
