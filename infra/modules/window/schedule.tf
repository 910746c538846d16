# The clock. EventBridge Scheduler, or a rule of EventBridge where there is no Scheduler that ticks.

locals {
  scheduler = var.schedule.by == "scheduler"
  every     = var.schedule.minutes == 1 ? "rate(1 minute)" : "rate(${var.schedule.minutes} minutes)"
}

resource "aws_iam_role" "clock" {
  count = local.scheduler ? 1 : 0
  name  = "${var.name}-clock"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

data "aws_caller_identity" "this" {}

resource "aws_iam_role_policy" "clock" {
  count = local.scheduler ? 1 : 0
  name  = "sweep"
  role  = aws_iam_role.clock[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [module.sweep.arn]
    }]
  })
}

resource "aws_scheduler_schedule" "sweep" {
  #checkov:skip=CKV_AWS_297:The schedule's payload is empty: there is nothing to encrypt
  count               = local.scheduler ? 1 : 0
  name                = "${var.name}-sweep"
  description         = "Weir: closes windows that no batch comes to close"
  schedule_expression = local.every

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.sweep.arn
    role_arn = aws_iam_role.clock[0].arn
    input    = jsonencode({})

    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}

resource "aws_cloudwatch_event_rule" "sweep" {
  count               = local.scheduler ? 0 : 1
  name                = "${var.name}-sweep"
  description         = "Weir: closes windows that no batch comes to close"
  schedule_expression = local.every
}

resource "aws_cloudwatch_event_target" "sweep" {
  count = local.scheduler ? 0 : 1
  rule  = aws_cloudwatch_event_rule.sweep[0].name
  arn   = module.sweep.arn
}

resource "aws_lambda_permission" "sweep" {
  count         = local.scheduler ? 0 : 1
  statement_id  = "Clock"
  action        = "lambda:InvokeFunction"
  function_name = module.sweep.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.sweep[0].arn
}
