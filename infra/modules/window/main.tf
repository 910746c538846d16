# The windows: window, which is called with the records of the tables' topics, and sweep, which is
# called by the clock.

locals {
  environment = merge(
    var.environment, { WEIR_RETENTION_DAYS = tostring(var.retention_days) }, var.settings,
  )
  # A schema version is asked for by its UUID alone, which belongs to no registry that could be named.
  schema_statements = var.glue_schemas ? [
    { sid = "Schemas", actions = ["glue:GetSchemaVersion"], resources = ["*"], condition = null },
  ] : []
}

module "window" {
  source = "../function"

  name                 = "${var.name}-window"
  description          = "Weir: records to windows"
  zip                  = "${var.zips}/window.zip"
  platform             = var.platform
  environment          = local.environment
  statements           = concat(var.state_statements, var.stream_statements.window, module.mapping.statements, local.schema_statements, var.statements)
  memory               = var.function.memory
  timeout              = var.function.timeout
  reserved_concurrency = var.function.reserved_concurrency
}

# No mapping where something else calls the function: weir poll does so in the root localstack.
module "mapping" {
  source = "../mapping"

  function_arn = module.window.arn
  topics       = var.map_topics ? var.topics : []
  groups       = var.groups
  source_of    = var.source_of
  settings     = var.mapping
}

module "sweep" {
  source = "../function"

  name                 = "${var.name}-sweep"
  description          = "Weir: closes windows that no batch comes to close"
  zip                  = "${var.zips}/sweep.zip"
  platform             = var.platform
  environment          = local.environment
  statements           = concat(var.state_statements, var.stream_statements.sweep)
  memory               = var.sweep.memory
  timeout              = var.sweep.timeout
  reserved_concurrency = var.sweep.reserved_concurrency
}

# A tick that failed is not worth repeating: the next one does the same.
resource "aws_lambda_function_event_invoke_config" "sweep" {
  function_name                = module.sweep.name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}
