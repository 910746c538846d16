# A WebSocket API before ingest: each message is an event, or several, and is answered.

resource "aws_apigatewayv2_api" "this" {
  name                       = "${var.name}-ws"
  description                = "Weir: events over WebSockets"
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.action"
}

resource "aws_apigatewayv2_integration" "this" {
  api_id           = aws_apigatewayv2_api.this.id
  integration_type = "AWS_PROXY"
  integration_uri  = var.function.invoke_arn
}

resource "aws_apigatewayv2_authorizer" "this" {
  count            = var.authorizer == null ? 0 : 1
  api_id           = aws_apigatewayv2_api.this.id
  name             = "${var.name}-ws"
  authorizer_type  = "REQUEST"
  authorizer_uri   = var.authorizer.invoke_arn
  identity_sources = var.authorizer.identity_sources
}

resource "aws_lambda_permission" "authorizer" {
  count         = var.authorizer == null ? 0 : 1
  statement_id  = "WeirAuthorizer-${var.name}-ws"
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.this[0].id}"
}

# Who may connect is asked once, at $connect.
resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:var.authorizer; without one the function's own API keys are what asks, at $connect
  for_each = toset(["$connect", "$disconnect", "$default"])

  api_id                              = aws_apigatewayv2_api.this.id
  route_key                           = each.key
  target                              = "integrations/${aws_apigatewayv2_integration.this.id}"
  authorization_type                  = each.key == "$connect" && var.authorizer != null ? "CUSTOM" : "NONE"
  authorizer_id                       = each.key == "$connect" ? one(aws_apigatewayv2_authorizer.this[*].id) : null
  route_response_selection_expression = each.key == "$default" ? "$default" : null
}

# What the function answers goes back over the socket.
resource "aws_apigatewayv2_route_response" "this" {
  api_id             = aws_apigatewayv2_api.this.id
  route_id           = aws_apigatewayv2_route.this["$default"].id
  route_response_key = "$default"
}

resource "aws_apigatewayv2_stage" "this" {
  #checkov:skip=CKV_AWS_76:Messages are counted by the function; access logs of WebSockets need a role for the whole account
  #checkov:skip=CKV2_AWS_51:No client certificate of API Gateway can be asked for by a Lambda integration
  api_id      = aws_apigatewayv2_api.this.id
  name        = var.stage
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = var.throttling.rate
    throttling_burst_limit   = var.throttling.burst
    detailed_metrics_enabled = true
  }
}

resource "aws_lambda_permission" "this" {
  statement_id  = "WebSocketApi"
  action        = "lambda:InvokeFunction"
  function_name = var.function.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}
