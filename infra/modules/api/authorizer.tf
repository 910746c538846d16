# Who may call. IAM needs no authorizer of ours, and the functions' own API keys none at all.

resource "aws_apigatewayv2_authorizer" "this" {
  count = contains(["jwt", "lambda"], var.authorizer.type) ? 1 : 0

  api_id           = aws_apigatewayv2_api.this.id
  name             = var.name
  authorizer_type  = var.authorizer.type == "jwt" ? "JWT" : "REQUEST"
  identity_sources = var.authorizer.identity_sources

  authorizer_uri                    = var.authorizer.type == "lambda" ? var.authorizer.invoke_arn : null
  authorizer_payload_format_version = var.authorizer.type == "lambda" ? "2.0" : null
  enable_simple_responses           = var.authorizer.type == "lambda" ? true : null
  authorizer_result_ttl_in_seconds  = var.authorizer.type == "lambda" ? var.authorizer.ttl_seconds : null

  dynamic "jwt_configuration" {
    for_each = var.authorizer.type == "jwt" ? [1] : []
    content {
      issuer   = var.authorizer.issuer
      audience = var.authorizer.audience
    }
  }
}

resource "aws_lambda_permission" "authorizer" {
  count = var.authorizer.type == "lambda" ? 1 : 0

  statement_id  = "WeirAuthorizer-${var.name}"
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.this[0].id}"
}
