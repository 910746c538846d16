# What the tests take AWS's answers to be: of the form that the provider checks, and else of no meaning.

mock_data "aws_region" {
  defaults = { region = "eu-central-1" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_data "aws_availability_zones" {
  defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
}

mock_data "aws_msk_bootstrap_brokers" {
  defaults = {
    bootstrap_brokers            = "b-1:9092"
    bootstrap_brokers_sasl_iam   = "b-1:9098"
    bootstrap_brokers_sasl_scram = "b-1:9096"
    bootstrap_brokers_tls        = "b-1:9094"
  }
}

mock_resource "aws_msk_serverless_cluster" {
  defaults = {
    arn                        = "arn:aws:kafka:eu-central-1:123456789012:cluster/made/0f-2"
    bootstrap_brokers_sasl_iam = "boot:9098"
  }
}

mock_resource "aws_kinesis_stream" {
  defaults = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/made" }
}

mock_resource "aws_dynamodb_table" {
  defaults = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/made" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/made" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:made" }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn        = "arn:aws:lambda:eu-central-1:123456789012:function:made"
    invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:made/invocations"
  }
}

mock_resource "aws_lambda_function_url" {
  defaults = { function_url = "https://u1.lambda-url.eu-central-1.on.aws/" }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    id            = "a1"
    api_endpoint  = "https://a1.execute-api.eu-central-1.amazonaws.com"
    execution_arn = "arn:aws:execute-api:eu-central-1:123456789012:a1"
  }
}

mock_resource "aws_apigatewayv2_stage" {
  defaults = { invoke_url = "wss://a2.execute-api.eu-central-1.amazonaws.com/ws" }
}

mock_resource "aws_apigatewayv2_authorizer" {
  defaults = { id = "auth1" }
}

mock_resource "aws_apigatewayv2_domain_name" {
  defaults = {
    domain_name_configuration = { target_domain_name = "d-1.execute-api.eu-central-1.amazonaws.com", hosted_zone_id = "Z1" }
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:eu-central-1:123456789012:rule/made" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:made" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::made" }
}
