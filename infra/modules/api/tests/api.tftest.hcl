# The HTTP API: who may call, and under which name.

mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name               = "weir-test"
  log_retention_days = 30
  functions = {
    ingest = { name = "weir-test-ingest", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/ingest/invocations" }
    serve  = { name = "weir-test-serve", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/serve/invocations" }
  }
}

run "open" {
  assert {
    condition     = output.url == "https://a1.execute-api.eu-central-1.amazonaws.com"
    error_message = "Without a domain the API has that of API Gateway."
  }
  assert {
    condition     = alltrue([for r in aws_apigatewayv2_route.this : r.authorization_type == "NONE"])
    error_message = "Without an authorizer nobody is asked."
  }
  assert {
    condition     = toset(keys(aws_apigatewayv2_route.this)) == toset(["ANY /events", "ANY /events/{proxy+}", "$default", "GET /health"])
    error_message = "Events go to ingest, all else to serve."
  }
  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit == 1000
    error_message = "The API is throttled."
  }
  assert {
    condition     = length(aws_apigatewayv2_domain_name.this) == 0 && length(aws_route53_record.this) == 0
    error_message = "No domain unless one is named."
  }
  assert {
    condition     = !aws_apigatewayv2_api.this.disable_execute_api_endpoint
    error_message = "Without a domain the API has to be reached by API Gateway's."
  }
}

run "with_tokens" {
  variables {
    authorizer = { type = "jwt", issuer = "https://id.example", audience = ["weir"], scopes = ["weir/read"] }
  }
  assert {
    condition     = aws_apigatewayv2_authorizer.this[0].authorizer_type == "JWT" && aws_apigatewayv2_authorizer.this[0].jwt_configuration[0].issuer == "https://id.example"
    error_message = "Tokens are those of the issuer."
  }
  assert {
    condition     = aws_apigatewayv2_route.this["$default"].authorization_type == "JWT" && aws_apigatewayv2_route.this["ANY /events/{proxy+}"].authorizer_id == "auth1"
    error_message = "All routes ask for a token."
  }
  assert {
    condition     = aws_apigatewayv2_route.this["GET /health"].authorization_type == "NONE"
    error_message = "But for the health, which whoever watches has none for."
  }
}

run "for_producers_alone" {
  variables {
    authorizer = { type = "lambda", protects = ["ingest"], function_name = "auth", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/auth/invocations" }
  }
  assert {
    condition     = aws_apigatewayv2_route.this["ANY /events/{proxy+}"].authorization_type == "CUSTOM" && aws_apigatewayv2_route.this["$default"].authorization_type == "NONE"
    error_message = "Producers are asked, readers are not."
  }
  assert {
    condition     = aws_lambda_permission.authorizer[0].function_name == "auth"
    error_message = "API Gateway may call the authorizer."
  }
}

run "by_iam" {
  variables {
    authorizer = { type = "iam" }
  }
  assert {
    condition     = aws_apigatewayv2_route.this["$default"].authorization_type == "AWS_IAM" && length(aws_apigatewayv2_authorizer.this) == 0
    error_message = "IAM is asked by API Gateway itself."
  }
}

run "a_domain" {
  variables {
    domain = { name = "views.example.com", certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1", zone_id = "Z2" }
  }
  assert {
    condition     = output.url == "https://views.example.com" && aws_apigatewayv2_api.this.disable_execute_api_endpoint
    error_message = "With a domain the API answers under it, and under no other name."
  }
  assert {
    condition     = aws_route53_record.this[0].name == "views.example.com"
    error_message = "Route 53 has the record."
  }
}

run "a_domain_of_another_registrar" {
  variables {
    domain = { name = "views.example.com", certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1" }
  }
  assert {
    condition     = length(aws_route53_record.this) == 0
    error_message = "Without a zone there is no record to make."
  }
}

run "tokens_of_nobody" {
  command = plan
  variables {
    authorizer = { type = "jwt" }
  }
  expect_failures = [var.authorizer]
}

run "an_authorizer_that_is_none" {
  command = plan
  variables {
    authorizer = { type = "basic" }
  }
  expect_failures = [var.authorizer]
}
