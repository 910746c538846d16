# The root for one machine: what stands for what LocalStack lacks.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  zips         = "./tests/zips"
  architecture = "arm64"
  topics = {
    impressions                = { role = "table" }
    ctr_results                = { role = "result" }
    "weir.alerts"              = { role = "alert" }
    "weir.late_events"         = { role = "late", partitions = 1 }
    "weir.dead_letters"        = { role = "dead_letter", partitions = 1 }
    "weir.notify_dead_letters" = { role = "notify_dead_letter", partitions = 1 }
  }
}

run "without_a_sink" {
  assert {
    condition     = output.ingest_url != null && output.serve_url != null
    error_message = "Function URLs stand for API Gateway."
  }
  assert {
    condition     = jsonencode(output.functions) == jsonencode({ weir-window = ["impressions"], weir-notify = ["weir.alerts"] })
    error_message = "weir poll is told what to call with which topics."
  }
  assert {
    condition     = length(module.window.mappings) == 0
    error_message = "LocalStack has no event source for Kafka."
  }
  assert {
    condition     = jsonencode(module.topics.environment) == jsonencode({ WEIR_KAFKA_BOOTSTRAP_SERVERS = "redpanda:9092" })
    error_message = "The functions reach the broker by its name."
  }
  assert {
    condition     = contains(split("\n", output.topics_to_make), "impressions 3 604800000")
    error_message = "The topics are made with their partitions and retention."
  }
}

run "with_a_sink" {
  variables {
    sink         = true
    sink_targets = "clickhouse://weir:weir@clickhouse:8123/default"
  }
  assert {
    condition     = jsonencode(output.functions["weir-sink"]) == jsonencode(["ctr_results", "weir.alerts"])
    error_message = "sink is called with rows and alerts."
  }
  assert {
    condition     = module.sink[0].bucket == "weir-rows"
    error_message = "There is a bucket for the files."
  }
}

run "no_url" {
  command = plan
  variables {
    endpoint = "127.0.0.1:4566"
  }
  expect_failures = [var.endpoint]
}
