# Where topics may be, and what follows for the functions.

mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name    = "weir-test"
  network = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  topics = {
    impressions           = { role = "table" }
    clicks                = { role = "table", partitions = 6, retention_hours = 24 }
    ctr_results           = { role = "result" }
    "weir.alerts"         = { role = "alert" }
    "weir.late_events"    = { role = "late", partitions = 1 }
    "weir.dead_letters"   = { role = "dead_letter", partitions = 1 }
    "weir.notify_letters" = { role = "notify_dead_letter", partitions = 1 }
  }
  streams = {
    kind        = "msk"
    cluster_arn = "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f-1"
  }
}

run "an_msk_cluster_by_iam" {
  assert {
    condition     = output.bootstrap_servers == "b-1:9098"
    error_message = "With IAM the brokers' port for IAM is used."
  }
  assert {
    condition     = output.environment["WEIR_KAFKA_SASL_MECHANISMS"] == "OAUTHBEARER" && output.environment["WEIR_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    error_message = "With IAM the functions authenticate by OAUTHBEARER, over TLS."
  }
  assert {
    condition     = length(output.source.access) == 0
    error_message = "With IAM the event source needs no secret."
  }
  assert {
    condition = jsonencode([for s in output.statements["ingest"] : s.resources if s.sid == "Produce"]) == jsonencode([[
      "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f-1/clicks",
      "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f-1/impressions",
    ]])
    error_message = "ingest writes the tables' topics, and no other."
  }
  assert {
    condition = jsonencode([for s in output.statements["window"] : s.resources if s.sid == "Produce"]) == jsonencode([[
      "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f-1/ctr_results",
      "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f-1/weir.alerts",
      "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f-1/weir.late_events",
      "arn:aws:kafka:eu-central-1:123456789012:topic/events/0f-1/weir.dead_letters",
    ]])
    error_message = "window writes what it gives out, and no other topic."
  }
  assert {
    condition = jsonencode([for s in output.statements["notify"] : s.resources if s.sid == "Group"]) == jsonencode([[
      "arn:aws:kafka:eu-central-1:123456789012:group/events/0f-1/weir-test-notify-weir.alerts",
    ]])
    error_message = "notify has the consumer group of its topic, and no other."
  }
  assert {
    condition     = !anytrue([for s in output.statements["sweep"] : contains(s.actions, "kafka-cluster:ReadData")])
    error_message = "sweep asks about topics; it reads none."
  }
  assert {
    condition     = length(output.create_topics) == 7 && strcontains(output.create_topics[0], "--topic clicks --partitions 6 --replication-factor 3 --config retention.ms=86400000")
    error_message = "What Terraform does not make it says how to make."
  }
}

run "topics_of_an_msk_cluster" {
  variables {
    streams = {
      kind          = "msk"
      cluster_arn   = "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f-1"
      create_topics = true
    }
  }
  assert {
    condition     = aws_msk_topic.this["clicks"].partition_count == 6 && jsondecode(aws_msk_topic.this["clicks"].configs)["retention.ms"] == "86400000"
    error_message = "A topic has the partitions and the retention that were asked for."
  }
  assert {
    condition     = length(output.create_topics) == 0
    error_message = "What Terraform makes nobody has to make by hand."
  }
}

run "an_msk_cluster_by_scram" {
  variables {
    streams = {
      kind               = "msk"
      auth               = "scram"
      cluster_arn        = "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f-1"
      secret_arn         = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_weir-a1"
      secret_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1"
    }
  }
  assert {
    condition     = output.bootstrap_servers == "b-1:9096"
    error_message = "With SCRAM the brokers' port for SCRAM is used."
  }
  assert {
    condition = jsonencode(output.environment) == jsonencode({
      WEIR_KAFKA_BOOTSTRAP_SERVERS = "b-1:9096"
      WEIR_KAFKA_SASL_MECHANISMS   = "SCRAM-SHA-512"
      WEIR_KAFKA_SECRET            = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_weir-a1"
      WEIR_KAFKA_SECURITY_PROTOCOL = "SASL_SSL"
    })
    error_message = "The functions are told which secret has name and password, and not what is in it."
  }
  assert {
    condition = jsonencode(output.source.access) == jsonencode([
      { type = "SASL_SCRAM_512_AUTH", uri = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_weir-a1" },
    ])
    error_message = "The event source has the secret."
  }
  assert {
    condition     = !anytrue([for s in output.statements["window"] : anytrue([for a in s.actions : startswith(a, "kafka-cluster:")])])
    error_message = "With SCRAM the cluster's own rules say who may write, not IAM."
  }
  assert {
    condition     = toset(flatten([for s in output.statements["window"] : s.actions if contains(["Secrets", "SecretsKey"], s.sid)])) == toset(["secretsmanager:GetSecretValue", "kms:Decrypt"])
    error_message = "The event source may read the secret, and decrypt it."
  }
  assert {
    condition = alltrue([for function, statements in output.statements :
      jsonencode([for s in statements : s.resources if s.sid == "Secrets"]) == jsonencode([["arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_weir-a1"]])
    ])
    error_message = "Each function that speaks to the brokers may read the one secret, and no other."
  }
}

run "an_msk_cluster_by_certificates" {
  variables {
    streams = {
      kind        = "msk"
      auth        = "mtls"
      cluster_arn = "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f-1"
      secret_arn  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:certificate-a1"
    }
  }
  assert {
    condition     = output.bootstrap_servers == "b-1:9094" && output.environment["WEIR_KAFKA_SECURITY_PROTOCOL"] == "SSL" && output.environment["WEIR_KAFKA_SECRET"] == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:certificate-a1"
    error_message = "With certificates the functions have the secret's, over TLS."
  }
  assert {
    condition     = output.source.access[0].type == "CLIENT_CERTIFICATE_TLS_AUTH"
    error_message = "The event source has the certificate."
  }
  assert {
    condition     = !contains(keys(output.environment), "WEIR_KAFKA_SASL_MECHANISMS")
    error_message = "With certificates there is no other login."
  }
}

run "a_cluster_made_here" {
  variables {
    streams = { kind = "msk_serverless" }
  }
  assert {
    condition     = output.bootstrap_servers == "boot:9098" && output.cluster_arn == "arn:aws:kafka:eu-central-1:123456789012:cluster/made/0f-2"
    error_message = "The functions reach the cluster that was made."
  }
  assert {
    condition     = aws_msk_serverless_cluster.this[0].client_authentication[0].sasl[0].iam[0].enabled
    error_message = "A serverless cluster authenticates by IAM."
  }
  assert {
    condition     = anytrue([for c in output.create_topics : strcontains(c, "--topic clicks --partitions 6 --config")]) && !strcontains(output.create_topics[0], "replication-factor")
    error_message = "MSK Serverless has its own replication."
  }
}

run "a_cluster_of_ones_own" {
  variables {
    streams = {
      kind              = "kafka"
      auth              = "scram256"
      bootstrap_servers = "k-1:9093,k-2:9093"
      secret_arn        = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kafka-a1"
      ca_secret_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ca-a1"
    }
  }
  assert {
    condition     = output.environment["WEIR_KAFKA_BOOTSTRAP_SERVERS"] == "k-1:9093,k-2:9093" && output.environment["WEIR_KAFKA_SASL_MECHANISMS"] == "SCRAM-SHA-256" && output.environment["WEIR_KAFKA_CA_SECRET"] == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ca-a1"
    error_message = "The functions reach the cluster by its certificate authority."
  }
  assert {
    condition = jsonencode([for a in output.source.access : a.type]) == jsonencode([
      "SASL_SCRAM_256_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "VPC_SUBNET", "VPC_SUBNET", "VPC_SECURITY_GROUP",
    ])
    error_message = "The event source has the secrets and the network."
  }
}

run "plain_brokers_inside_a_network" {
  variables {
    streams = { kind = "kafka", auth = "none", bootstrap_servers = "k-1:9092" }
  }
  assert {
    condition     = jsonencode(output.environment) == jsonencode({ WEIR_KAFKA_BOOTSTRAP_SERVERS = "k-1:9092" })
    error_message = "Without authentication the functions are told the brokers, and nothing else."
  }
}

run "kinesis" {
  variables {
    streams = { kind = "kinesis", create_topics = true }
  }
  assert {
    condition     = length(aws_kinesis_stream.this) == 7 && aws_kinesis_stream.this["clicks"].shard_count == 6 && aws_kinesis_stream.this["clicks"].retention_period == 24
    error_message = "Each topic is a stream, with its shards and its retention."
  }
  assert {
    condition     = jsonencode(output.environment) == jsonencode({ WEIR_BROKER = "kinesis" })
    error_message = "The functions are told that topics are streams, and no brokers."
  }
  assert {
    condition     = !anytrue(flatten([for f, statements in output.statements : [for s in statements : [for a in s.actions : startswith(a, "kafka")]]]))
    error_message = "Nobody gets rights to a cluster that there is not."
  }
}

run "streams_that_are_there" {
  variables {
    streams = { kind = "kinesis" }
  }
  assert {
    condition     = output.source.streams["clicks"] == "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"
    error_message = "A stream that is there already is named by its ARN."
  }
}
