# Events over HTTP, and over WebSockets where these are asked for, to their topics.

module "function" {
  source = "../function"

  name                 = "${var.name}-ingest"
  description          = "Weir: events to their topics"
  zip                  = "${var.zips}/ingest.zip"
  platform             = var.platform
  environment          = merge(var.environment, var.settings)
  statements           = concat(var.stream_statements, var.statements)
  memory               = var.function.memory
  timeout              = var.function.timeout
  reserved_concurrency = var.function.reserved_concurrency
  function_url         = var.function_url
}
