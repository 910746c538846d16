# One page: what comes in, how far behind it is, what fails, what it costs.

data "aws_region" "this" {}

locals {
  lambda = { for role, function in var.functions : role => function.name }

  graphs = [
    {
      title   = "Records"
      metrics = [["Weir", "weir_records_total", "function", local.window, { stat = "Sum" }]]
    },
    {
      title = "Behind"
      metrics = [
        ["AWS/Lambda", var.kinesis ? "IteratorAge" : "OffsetLag", "FunctionName", local.window, { stat = "Maximum" }],
      ]
    },
    {
      title = "Watermark behind the clock, seconds"
      metrics = [for name in [local.window, local.sweep] :
        ["Weir", "weir_watermark_lag_seconds", "function", name, { stat = "Maximum" }]
      ]
    },
    {
      title = "Dead letters, late events"
      metrics = [
        ["Weir", "weir_dead_letters_total", "function", local.window, { stat = "Sum" }],
        ["Weir", "weir_late_total", "function", local.window, { stat = "Sum" }],
        ["Weir", "weir_repeated_total", "function", local.window, { stat = "Sum" }],
      ]
    },
    {
      title = "Windows and rows"
      metrics = concat([for name in [local.window, local.sweep] : [
        ["Weir", "weir_windows_closed_total", "function", name, { stat = "Sum" }],
        ["Weir", "weir_rows_total", "function", name, { stat = "Sum" }],
      ]]...)
    },
    {
      title   = "Errors"
      metrics = [for name in values(local.lambda) : ["AWS/Lambda", "Errors", "FunctionName", name, { stat = "Sum" }]]
    },
    {
      title   = "Invocations"
      metrics = [for name in values(local.lambda) : ["AWS/Lambda", "Invocations", "FunctionName", name, { stat = "Sum" }]]
    },
    {
      title   = "Duration, p99 ms"
      metrics = [for name in values(local.lambda) : ["AWS/Lambda", "Duration", "FunctionName", name, { stat = "p99" }]]
    },
    {
      title = "Request units of the table"
      metrics = [for name in ["ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits"] :
        ["AWS/DynamoDB", name, "TableName", var.table, { stat = "Sum" }]
      ]
    },
    {
      title = "Throttled"
      metrics = concat(
        [for name in ["WriteThrottleEvents", "ReadThrottleEvents"] :
        ["AWS/DynamoDB", name, "TableName", var.table, { stat = "Sum" }]],
        [for name in values(local.lambda) : ["AWS/Lambda", "Throttles", "FunctionName", name, { stat = "Sum" }]],
      )
    },
  ]

  api_graph = !var.has_api ? [] : [{
    title = "API: requests and errors"
    metrics = [for name in ["Count", "4xx", "5xx"] :
      ["AWS/ApiGateway", name, "ApiId", var.api_id, { stat = "Sum" }]
    ]
  }]

  widgets = [for index, graph in concat(local.graphs, local.api_graph) : {
    type   = "metric"
    x      = (index % 2) * 12
    y      = floor(index / 2) * 6
    width  = 12
    height = 6
    properties = {
      title   = graph.title
      region  = data.aws_region.this.region
      view    = "timeSeries"
      period  = 60
      metrics = graph.metrics
    }
  }]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = local.widgets })
}
