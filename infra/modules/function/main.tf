# One Lambda function with a role of its own, its log group, and nothing that it does not need.

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:Encrypted by CloudWatch's own key unless kms_key_arn names another
  #checkov:skip=CKV_AWS_338:How long logs are kept is log_retention_days; a year is for who has to
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.platform.log_retention_days
  kms_key_id        = var.platform.kms_key_arn
}

resource "aws_iam_role" "this" {
  name        = var.name
  description = var.description
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

locals {
  in_vpc = var.in_vpc && var.platform.vpc != null

  logs = [{
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }]

  # X-Ray knows no resources.
  trace = var.platform.tracing ? [{
    sid       = "Trace"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"]
  }] : []

  # Lambda makes the interfaces before they have a name, and Describe actions know no resources.
  network = local.in_vpc ? [{
    sid = "Network"
    actions = [
      "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
  }] : []

  decrypt = var.platform.kms_key_arn == null ? [] : [{
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.platform.kms_key_arn]
  }]

  # Without resources there is nothing to allow, and IAM takes no statement without one.
  asked      = [for s in var.statements : s if length(s.resources) > 0]
  statements = concat(local.logs, local.trace, local.network, local.decrypt, local.asked)
}

resource "aws_iam_role_policy" "this" {
  #checkov:skip=CKV_AWS_290:The two statements on * are X-Ray's and the network interfaces', which know no resources
  #checkov:skip=CKV_AWS_355:The same
  name = "weir"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in local.statements : merge(
      { Sid = s.sid, Effect = "Allow", Action = s.actions, Resource = s.resources },
      try(s.condition, null) == null ? {} : { Condition = s.condition },
    )]
  })
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:reserved_concurrency; by default a function shares the account's pool
  #checkov:skip=CKV_AWS_116:Event sources and the schedule repeat by themselves; nothing is invoked that could be lost
  #checkov:skip=CKV_AWS_117:serve speaks to DynamoDB alone; what speaks to brokers is in the VPC
  #checkov:skip=CKV_AWS_173:Encrypted by Lambda's own key unless kms_key_arn names another
  #checkov:skip=CKV_AWS_272:Signing is a matter of the pipeline that builds the zips
  function_name                  = var.name
  description                    = var.description
  role                           = aws_iam_role.this.arn
  filename                       = var.zip
  source_code_hash               = fileexists(var.zip) ? filebase64sha256(var.zip) : null
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.platform.architecture]
  memory_size                    = var.memory
  timeout                        = var.timeout
  reserved_concurrent_executions = var.reserved_concurrency
  kms_key_arn                    = var.platform.kms_key_arn

  environment {
    # An instance's memory is paid for whether it is given back or not, and what a batch needed the next one needs again.
    variables = merge({ MIMALLOC_PURGE_DELAY = "-1" }, var.environment, { RUST_LOG = var.platform.log_level })
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.platform.tracing ? "Active" : "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = local.in_vpc ? [var.platform.vpc] : []
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.zip)
      error_message = "There is no ${var.zip}: build the functions with scripts/zips.sh first, or let var.zips name the folder that has them."
    }
  }

  # Else the first calls fail, and a mapping is made before its role may read.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_lambda_function_url" "this" {
  #checkov:skip=CKV_AWS_258:Only the localstack root asks for a URL without authorization
  count = var.function_url == null ? 0 : 1

  function_name      = aws_lambda_function.this.function_name
  authorization_type = var.function_url
}

resource "aws_lambda_permission" "url" {
  #checkov:skip=CKV_AWS_301:As above
  count = var.function_url == "NONE" ? 1 : 0

  statement_id           = "FunctionUrl"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.this.function_name
  principal              = "*"
  function_url_auth_type = "NONE"
}
