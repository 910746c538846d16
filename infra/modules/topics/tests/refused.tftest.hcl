# What is no description of topics, refused before anything is made.

mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name    = "weir-test"
  topics  = { impressions = { role = "table" } }
  streams = { kind = "kafka", auth = "none", bootstrap_servers = "k-1:9092" }
}

run "another_role" {
  command = plan
  variables {
    topics = { impressions = { role = "source" }, clicks = { role = "table" } }
  }
  expect_failures = [var.topics]
}

run "nothing_to_read" {
  command = plan
  variables {
    topics = { ctr_results = { role = "result" } }
  }
  expect_failures = [var.topics]
}

run "a_name_that_kafka_refuses" {
  command = plan
  variables {
    topics = { "page views" = { role = "table" } }
  }
  expect_failures = [var.topics]
}

run "half_a_partition" {
  command = plan
  variables {
    topics = { impressions = { role = "table", partitions = 1.5 } }
  }
  expect_failures = [var.topics]
}

run "msk_without_a_cluster" {
  command = plan
  variables {
    streams = { kind = "msk" }
  }
  expect_failures = [var.streams]
}

run "kafka_without_brokers" {
  command = plan
  variables {
    streams = { kind = "kafka", auth = "none" }
  }
  expect_failures = [var.streams]
}

run "scram_without_a_secret" {
  command = plan
  variables {
    streams = { kind = "kafka", auth = "scram512", bootstrap_servers = "k-1:9093" }
  }
  expect_failures = [var.streams]
}

run "iam_of_a_cluster_of_ones_own" {
  command = plan
  variables {
    streams = { kind = "kafka", auth = "iam", bootstrap_servers = "k-1:9093" }
  }
  expect_failures = [var.streams]
}

run "topics_that_aws_cannot_make" {
  command = plan
  variables {
    streams = { kind = "msk_serverless", create_topics = true }
    network = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }
  expect_failures = [var.streams]
}

run "serverless_without_a_network" {
  command = plan
  variables {
    streams = { kind = "msk_serverless" }
  }
  expect_failures = [aws_msk_serverless_cluster.this]
}
