# What stands before the functions, and what watches them.

module "api" {
  source = "../modules/api"

  name               = var.name
  throttling         = var.throttling
  authorizer         = var.authorizer
  domain             = var.domain
  cors_origins       = var.cors_origins
  log_retention_days = var.log_retention_days
  kms_key_arn        = var.kms_key_arn
  functions = {
    ingest = { name = module.ingest.function.name, invoke_arn = module.ingest.function.invoke_arn }
    serve  = { name = module.serve.function.name, invoke_arn = module.serve.function.invoke_arn }
  }
}

module "websocket" {
  source = "../modules/websocket"
  count  = var.websocket == null ? 0 : 1

  name       = var.name
  function   = { name = module.ingest.function.name, invoke_arn = module.ingest.function.invoke_arn }
  throttling = var.websocket.throttling
  authorizer = var.websocket.authorizer
}

module "observability" {
  source = "../modules/observability"
  count  = var.alarms == null ? 0 : 1

  name           = var.name
  table          = module.state.name
  api_id         = module.api.id
  has_api        = true
  kinesis        = var.streams.kind == "kinesis"
  failure_queues = toset([for arn in local.destinations : split(":", arn)[5] if can(regex("^arn:[a-z-]+:sqs:", arn))])
  actions        = var.alarms.actions
  email          = var.alarms.email
  thresholds     = var.alarms.thresholds
  kms_key_arn    = var.kms_key_arn
  functions = merge(
    {
      ingest = { name = module.ingest.function.name, timeout = module.ingest.function.timeout }
      window = { name = module.window.window.name, timeout = module.window.window.timeout }
      sweep  = { name = module.window.sweep.name, timeout = module.window.sweep.timeout }
      serve  = { name = module.serve.function.name, timeout = module.serve.function.timeout }
    },
    { for n in module.notify : "notify" => { name = n.function.name, timeout = n.function.timeout } },
    { for s in module.sink : "sink" => { name = s.function.name, timeout = s.function.timeout } },
  )
}
