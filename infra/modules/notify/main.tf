# Alerts to people and machines: called with the records of the alert topics.

locals {
  # Targets that are SNS topics: sns:arn:aws:sns:REGION:ACCOUNT:NAME, perhaps with options behind #.
  targets = compact(split(" ", replace(replace(nonsensitive(var.targets), ",", " "), "\n", " ")))
  sns     = [for t in local.targets : split("#", trimprefix(t, "sns:"))[0] if startswith(t, "sns:")]
  phones  = anytrue([for t in local.targets : startswith(t, "sms:")])

  publish = [{ sid = "Topics", actions = ["sns:Publish"], resources = local.sns }]
  # A text to a phone is published to no topic, so there is no resource to name.
  text = local.phones ? [{ sid = "Phones", actions = ["sns:Publish"], resources = ["*"] }] : []
}

module "function" {
  source = "../function"

  name                 = "${var.name}-notify"
  description          = "Weir: alerts to their targets"
  zip                  = "${var.zips}/notify.zip"
  platform             = var.platform
  environment          = merge(var.environment, { WEIR_NOTIFY = var.targets }, var.settings)
  statements           = concat(var.stream_statements, local.publish, local.text, module.mapping.statements, var.statements)
  memory               = var.function.memory
  timeout              = var.function.timeout
  reserved_concurrency = var.function.reserved_concurrency
}

module "mapping" {
  source = "../mapping"

  function_arn = module.function.arn
  topics       = var.map_topics ? var.topics : []
  groups       = var.groups
  source_of    = var.source_of
  settings     = var.mapping
}
