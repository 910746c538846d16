# A whole environment, by the choices that a person has.

mock_provider "aws" {
  source = "../mocks"
}

variables {
  name           = "weir-test"
  region         = "eu-central-1"
  zips           = "./tests/zips"
  create_network = {}
}

run "from_nothing" {
  assert {
    condition     = output.bootstrap_servers == "boot:9098" && length(output.subnet_ids) == 3
    error_message = "By default a cluster is made, in a network of three zones."
  }
  assert {
    condition     = toset(keys(output.mappings)) == toset(["click-stream", "clicks", "impressions", "order_events", "product_analytics", "raw_events", "user_clickstream", "user_events"])
    error_message = "window reads the topic of each table of sql/."
  }
  assert {
    condition     = toset(keys(output.functions)) == toset(["ingest", "window", "sweep", "serve", "notify"])
    error_message = "There is no sink without a place for rows."
  }
  assert {
    condition     = output.url == "https://a1.execute-api.eu-central-1.amazonaws.com" && output.websocket_url == null
    error_message = "There is an HTTP API, and no WebSocket API."
  }
  assert {
    condition     = contains(module.observability[0].alarms, "weir-test-window-behind") && contains(module.observability[0].alarms, "weir-test-notify-dead") && contains(module.observability[0].alarms, "weir-test-sweep-silent")
    error_message = "Alarms watch what may go wrong."
  }
  assert {
    condition = jsonencode([for s in jsondecode(module.serve.function.policy).Statement : [s.Sid, s.Action] if s.Sid == "ReadState"]) == jsonencode([
      ["ReadState", ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]],
    ])
    error_message = "serve reads the table."
  }
  assert {
    condition = jsonencode([for s in jsondecode(module.ingest.function.policy).Statement : s.Condition if s.Sid == "RememberRequests"]) == jsonencode([
      { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["request#*", "warm"] } },
    ])
    error_message = "ingest has the items of requests, and no others."
  }
  assert {
    condition = !anytrue(flatten([
      for p in [module.serve.function.policy, module.ingest.function.policy, module.notify[0].function.policy] :
      [for s in jsondecode(p).Statement : contains(s.Action, "dynamodb:UpdateItem")]
    ]))
    error_message = "Windows are kept by window and sweep alone."
  }
  assert {
    condition = alltrue(flatten([
      for p in [module.serve.function.policy, module.ingest.function.policy, module.notify[0].function.policy, module.window.window.policy, module.window.sweep.policy] :
      [for s in jsondecode(p).Statement : !contains(s.Resource, "*") || contains(["Trace", "Network", "EventSourceNetwork"], s.Sid)]
    ]))
    error_message = "Only tracing and network interfaces know no resources."
  }
}

run "beside_it" {
  variables {
    name = "weir-two"
  }
  assert {
    condition     = alltrue([for f in values(output.functions) : startswith(f, "weir-two-")]) && output.table == "weir-two"
    error_message = "Another environment has names of its own."
  }
}

run "an_existing_cluster_by_scram" {
  variables {
    create_network = null
    network        = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
    streams = {
      kind        = "msk"
      auth        = "scram"
      cluster_arn = "arn:aws:kafka:eu-central-1:123456789012:cluster/events/0f-1"
      secret_arn  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_weir-a1"
    }
  }
  assert {
    condition     = output.bootstrap_servers == "b-1:9096" && output.subnet_ids == tolist(["subnet-1", "subnet-2"])
    error_message = "The cluster and the network are those that were named."
  }
}

run "kinesis" {
  variables {
    create_network = null
    streams        = { kind = "kinesis", create_topics = true }
  }
  assert {
    condition     = output.bootstrap_servers == null && length(output.subnet_ids) == 0
    error_message = "Kinesis needs neither brokers nor a network."
  }
}

run "a_sink" {
  variables {
    sink_bucket  = { name = "weir-test-rows" }
    sink_targets = "clickhouses://weir:secret@ch.example:8443/weir"
  }
  assert {
    condition = jsonencode([for s in jsondecode(module.sink[0].function.policy).Statement : s.Resource if s.Sid == "WriteFiles"]) == jsonencode([
      ["arn:aws:s3:::weir-test-rows/weir/*"],
    ])
    error_message = "sink writes below its prefix."
  }
  assert {
    condition     = contains(keys(module.sink[0].mappings), "ctr_results") && !contains(keys(module.sink[0].mappings), "user_click_sentences")
    error_message = "sink reads rows, and no sentences."
  }
}

run "websockets" {
  variables {
    websocket = {}
  }
  assert {
    condition     = output.websocket_url == "wss://a2.execute-api.eu-central-1.amazonaws.com/ws"
    error_message = "The WebSocket API says where it is."
  }
}

run "texts_to_a_phone" {
  variables {
    notify_targets = "sms:+491511234567 sns:arn:aws:sns:eu-central-1:123456789012:people#min_severity=HIGH"
  }
  assert {
    condition = jsonencode([for s in jsondecode(module.notify[0].function.policy).Statement : s.Resource if s.Sid == "Topics"]) == jsonencode([
      ["arn:aws:sns:eu-central-1:123456789012:people"],
    ])
    error_message = "notify publishes to the topics among its targets."
  }
}

run "schemas_of_glue" {
  variables {
    glue_schemas = true
  }
  assert {
    condition     = one([for s in jsondecode(module.window.window.policy).Statement : s.Action if s.Sid == "Schemas"]) == ["glue:GetSchemaVersion"]
    error_message = "window may ask for schemas, and for nothing else of Glue."
  }
  assert {
    condition     = length([for s in jsondecode(module.window.sweep.policy).Statement : s if s.Sid == "Schemas"]) == 0
    error_message = "sweep reads no values."
  }
}

run "quiet" {
  variables {
    alarms = null
  }
  assert {
    condition     = output.dashboard_url == null
    error_message = "Alarms and dashboard are an option."
  }
}

run "a_name_that_is_too_long" {
  command = plan
  variables {
    name = "Weir Production"
  }
  expect_failures = [var.name]
}

run "topics_that_outlive_their_slabs" {
  command = plan
  variables {
    retention_days = 6
  }
  expect_failures = [var.retention_days]
}

run "a_timeout_shorter_than_the_producers" {
  command = plan
  variables {
    functions = { window = { timeout = 30 } }
  }
  expect_failures = [var.functions]
}

run "keys_in_a_secret" {
  variables {
    protect_reads = true
    secrets       = { api_keys = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-a1" } }
  }
  assert {
    condition = alltrue([for p in [module.ingest.function.policy, module.serve.function.policy] :
      jsonencode([for s in jsondecode(p).Statement : [s.Action, s.Resource] if s.Sid == "Secret"]) == jsonencode([
        [["secretsmanager:GetSecretValue"], ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-a1"]],
      ])
    ])
    error_message = "ingest and serve may read the secret of their keys."
  }
  assert {
    condition     = !anytrue([for p in [module.window.window.policy, module.window.sweep.policy, module.notify[0].function.policy] : strcontains(p, "secretsmanager")])
    error_message = "Nobody else may read it."
  }
}

run "secrets_in_parameters" {
  variables {
    secrets = {
      notify_targets  = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/weir/notify" }
      sink_targets    = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/weir/sink", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/k1" }
      schema_registry = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-a1" }
    }
  }
  assert {
    condition = jsonencode([for s in jsondecode(module.sink[0].function.policy).Statement : [s.Action, s.Resource] if startswith(s.Sid, "Secret")]) == jsonencode([
      [["ssm:GetParameter"], ["arn:aws:ssm:eu-central-1:123456789012:parameter/weir/sink"]],
      [["kms:Decrypt"], ["arn:aws:kms:eu-central-1:123456789012:key/k1"]],
    ])
    error_message = "sink is there for the targets that a parameter names, and may read it."
  }
  assert {
    condition     = strcontains(module.notify[0].function.policy, "parameter/weir/notify") && !strcontains(module.notify[0].function.policy, "parameter/weir/sink")
    error_message = "notify may read its own."
  }
  assert {
    condition     = strcontains(module.window.window.policy, "secret:registry-a1") && !strcontains(module.window.sweep.policy, "secret:registry-a1")
    error_message = "window may read where the schema registry is."
  }
}

run "keys_twice" {
  command = plan
  variables {
    api_keys = "k3y"
    secrets  = { api_keys = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-a1" } }
  }
  expect_failures = [var.secrets]
}

run "a_secret_that_is_none" {
  command = plan
  variables {
    secrets = { sink_targets = { arn = "arn:aws:s3:::bucket" } }
  }
  expect_failures = [var.secrets]
}

run "two_networks" {
  command = plan
  variables {
    network = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }
  expect_failures = [var.network]
}

run "reading_by_keys_that_are_none" {
  command = plan
  variables {
    protect_reads = true
  }
  expect_failures = [var.protect_reads]
}
