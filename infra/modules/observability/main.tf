# Alarms, whom they tell, and a dashboard. docs/operations.md says what each means and what to do.

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch may not use the service's own key; kms_key_arn names one whose policy lets it
  count             = var.email == null ? 0 : 1
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.email == null ? 0 : 1
  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.email
}

locals {
  actions = concat(var.actions, aws_sns_topic.alarms[*].arn)
  window  = var.functions["window"].name
  sweep   = var.functions["sweep"].name

  # A batch that fails comes again, so one error is no news for what reads topics; three minutes of them are.
  of_functions = merge([for role, function in var.functions : {
    "${role}-errors" = {
      metric    = "Errors", statistic = "Sum", above = 0, periods = 3, of = 5, namespace = "AWS/Lambda"
      dimension = { FunctionName = function.name }, text = "${role} fails"
    }
    "${role}-throttles" = {
      metric    = "Throttles", statistic = "Sum", above = 0, periods = 3, of = 5, namespace = "AWS/Lambda"
      dimension = { FunctionName = function.name }, text = "${role} is not let run: concurrency is used up"
    }
    "${role}-slow" = {
      metric    = "Duration", statistic = "Maximum", above = floor(function.timeout * 1000 * 0.8), periods = 3, of = 5
      namespace = "AWS/Lambda", dimension = { FunctionName = function.name }, text = "${role} comes near its timeout"
    }
  }]...)

  behind = var.kinesis ? {
    window-behind = {
      metric    = "IteratorAge", statistic = "Maximum", above = var.thresholds.iterator_age_ms, periods = 5, of = 5
      namespace = "AWS/Lambda", dimension = { FunctionName = local.window }, text = "window does not keep up"
    }
    } : {
    window-behind = {
      metric    = "OffsetLag", statistic = "Maximum", above = var.thresholds.offset_lag, periods = 5, of = 5
      namespace = "AWS/Lambda", dimension = { FunctionName = local.window }, text = "window does not keep up"
    }
  }

  # The functions' own, in the embedded metric format. Sweep tells the watermark where no batch comes.
  own = merge(
    { for role in ["window", "sweep"] : "${role}-watermark" => {
      metric    = "weir_watermark_lag_seconds", statistic = "Maximum", above = var.thresholds.watermark_seconds
      namespace = "Weir", dimension = { function = var.functions[role].name }, periods = 5, of = 5
      text      = "windows are not closed: a view's watermark is far behind the clock"
    } },
    {
      dead-letters = {
        metric    = "weir_dead_letters_total", statistic = "Sum", above = var.thresholds.dead_letters - 1, periods = 1, of = 1
        namespace = "Weir", dimension = { function = local.window }, text = "records do not fit their table"
      }
      late = {
        metric    = "weir_late_total", statistic = "Sum", above = var.thresholds.late - 1, periods = 3, of = 5
        namespace = "Weir", dimension = { function = local.window }, text = "many events come too late"
      }
      deferred = {
        metric    = "weir_deferred_total", statistic = "Sum", above = 0, periods = 5, of = 5, namespace = "Weir"
        dimension = { function = local.window }, text = "a view waits for its backfill"
      }
    },
    contains(keys(var.functions), "notify") ? {
      notify-dead = {
        metric    = "weir_notifications_total_dead", statistic = "Sum", above = 0, periods = 1, of = 1, namespace = "Weir"
        dimension = { function = var.functions["notify"].name }, text = "somebody was not told of an alert"
      }
    } : {},
  )

  of_table = {
    table-throttled = {
      metric    = "WriteThrottleEvents", statistic = "Sum", above = 0, periods = 5, of = 5, namespace = "AWS/DynamoDB"
      dimension = { TableName = var.table }, text = "the table throttles writes: a hot key, or its bound is reached"
    }
    table-read-throttled = {
      metric    = "ReadThrottleEvents", statistic = "Sum", above = 0, periods = 5, of = 5, namespace = "AWS/DynamoDB"
      dimension = { TableName = var.table }, text = "the table throttles reads"
    }
  }

  of_api = !var.has_api ? {} : {
    api-errors = {
      metric    = "5xx", statistic = "Sum", above = var.thresholds.api_errors - 1, periods = 3, of = 5
      namespace = "AWS/ApiGateway", dimension = { ApiId = var.api_id }, text = "the API answers with errors"
    }
  }

  of_queues = { for queue in var.failure_queues : "failed-${queue}" => {
    metric    = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", above = 0, periods = 1, of = 1
    namespace = "AWS/SQS", dimension = { QueueName = queue }, text = "batches were given up: their records are in no window"
  } }

  alarms = merge(local.of_functions, local.behind, local.own, local.of_table, local.of_api, local.of_queues)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.text}. See docs/operations.md, What the alarms mean."
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimension
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 60
  datapoints_to_alarm = each.value.periods
  evaluation_periods  = each.value.of
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

# The one thing that has to go on when nothing else does.
resource "aws_cloudwatch_metric_alarm" "sweep_silent" {
  alarm_name          = "${var.name}-sweep-silent"
  alarm_description   = "sweep is not called: idle windows stay open. See docs/operations.md, What the alarms mean."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = local.sweep }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = var.thresholds.sweep_silent_minute * 60
  evaluation_periods  = 1
  treat_missing_data  = "breaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}
