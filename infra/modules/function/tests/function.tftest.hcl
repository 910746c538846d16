# What a function may do, and where it runs.

mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "weir-test-ingest"
  description = "Weir: events to their topics"
  zip         = "./tests/zips/ingest.zip"
  environment = { WEIR_TABLE = "weir-test" }
  timeout     = 29
  memory      = 512
  platform    = { architecture = "arm64", log_level = "info", log_retention_days = 30, tracing = true }
  statements = [
    { sid = "Read", actions = ["dynamodb:GetItem"], resources = ["arn:aws:dynamodb:eu-central-1:123456789012:table/t"], condition = { StringEquals = { "dynamodb:LeadingKeys" = ["k"] } } },
    { sid = "Nothing", actions = ["kinesis:PutRecords"], resources = [] },
  ]
}

run "outside_a_network" {
  assert {
    condition     = jsonencode([for s in jsondecode(output.policy).Statement : s.Sid]) == jsonencode(["Log", "Trace", "Read"])
    error_message = "The role has what was asked for, to log and to trace; a statement without resources is none."
  }
  assert {
    condition = jsonencode([for s in jsondecode(output.policy).Statement : s.Resource if s.Sid == "Log"]) == jsonencode([
      ["arn:aws:logs:eu-central-1:123456789012:log-group:made:*"],
    ])
    error_message = "It writes its own log, and no other."
  }
  assert {
    condition     = [for s in jsondecode(output.policy).Statement : s.Condition if s.Sid == "Read"][0].StringEquals["dynamodb:LeadingKeys"][0] == "k"
    error_message = "Conditions are kept."
  }
  assert {
    condition     = length(aws_lambda_function.this.vpc_config) == 0 && length(aws_lambda_function_url.this) == 0
    error_message = "No network and no URL unless they are asked for."
  }
  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.architectures[0] == "arm64"
    error_message = "The binary runs on its own."
  }
}

run "inside_a_network" {
  variables {
    platform = { architecture = "x86_64", log_level = "debug", log_retention_days = 30, tracing = false, kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1", vpc = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] } }
  }
  assert {
    condition     = jsonencode([for s in jsondecode(output.policy).Statement : s.Sid]) == jsonencode(["Log", "Network", "Key", "Read"])
    error_message = "The role has interfaces and the key, and no traces."
  }
  assert {
    condition     = aws_lambda_function.this.vpc_config[0].subnet_ids == toset(["subnet-1"])
    error_message = "The function is in the subnets."
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables["RUST_LOG"] == "debug"
    error_message = "It logs as much as was asked for."
  }
}

run "no_network_for_who_needs_none" {
  variables {
    in_vpc   = false
    platform = { architecture = "arm64", log_level = "info", log_retention_days = 30, tracing = true, vpc = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] } }
  }
  assert {
    condition     = length(aws_lambda_function.this.vpc_config) == 0
    error_message = "What speaks to no broker stays outside."
  }
}

run "a_zip_that_is_not_there" {
  command = plan
  variables {
    zip = "./tests/zips/none.zip"
  }
  expect_failures = [aws_lambda_function.this]
}

run "every_action" {
  command = plan
  variables {
    statements = [{ sid = "All", actions = ["dynamodb:*"], resources = ["arn:aws:dynamodb:eu-central-1:123456789012:table/t"] }]
  }
  expect_failures = [var.statements]
}
