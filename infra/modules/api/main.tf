# One HTTP API: what begins with /events/ goes to ingest, all else to serve.

resource "aws_apigatewayv2_api" "this" {
  name                         = var.name
  description                  = "Weir: events in, rows out"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.domain != null

  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) > 0 ? [1] : []
    content {
      allow_origins  = var.cors_origins
      allow_methods  = ["GET", "HEAD", "OPTIONS", "POST"]
      allow_headers  = ["authorization", "content-encoding", "content-type", "idempotency-key", "if-none-match", "x-api-key"]
      expose_headers = ["etag", "idempotency-replayed", "link", "retry-after"]
      max_age        = 3600
    }
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = var.functions

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = each.value.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

locals {
  routes = merge(
    { for path in var.ingest_paths : "ANY ${path}" => "ingest" },
    { "$default" = "serve", "GET /health" = "serve" },
  )

  # Whoever watches the health has no credentials.
  guarded = { for key, function in local.routes : key =>
    key != "GET /health" && var.authorizer.type != "none" && contains(var.authorizer.protects, function)
  }

  types = { none = "NONE", jwt = "JWT", lambda = "CUSTOM", iam = "AWS_IAM" }
}

resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:var.authorizer; with none the functions' own API keys are what asks
  for_each = local.routes

  api_id               = aws_apigatewayv2_api.this.id
  route_key            = each.key
  target               = "integrations/${aws_apigatewayv2_integration.this[each.value].id}"
  authorization_type   = local.guarded[each.key] ? local.types[var.authorizer.type] : "NONE"
  authorizer_id        = local.guarded[each.key] ? one(aws_apigatewayv2_authorizer.this[*].id) : null
  authorization_scopes = local.guarded[each.key] && var.authorizer.type == "jwt" ? var.authorizer.scopes : null
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = var.throttling.rate
    throttling_burst_limit   = var.throttling.burst
    detailed_metrics_enabled = true
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      time    = "$context.requestTime"
      request = "$context.requestId"
      ip      = "$context.identity.sourceIp"
      method  = "$context.httpMethod"
      path    = "$context.path"
      status  = "$context.status"
      ms      = "$context.responseLatency"
      bytes   = "$context.responseLength"
      error   = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158:Encrypted by CloudWatch's own key unless kms_key_arn names another
  #checkov:skip=CKV_AWS_338:How long logs are kept is log_retention_days
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_permission" "this" {
  for_each = var.functions

  statement_id  = "HttpApi"
  action        = "lambda:InvokeFunction"
  function_name = each.value.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}
