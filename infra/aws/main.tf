# An environment of Weir on AWS. docs/deploy.md goes through it from an empty account to a curl.

locals {
  network = var.network != null ? var.network : var.create_network == null ? null : {
    subnet_ids         = module.network[0].subnet_ids
    security_group_ids = module.network[0].security_group_ids
  }

  # What the event sources and functions call from inside the network. Logs and traces go another way.
  endpoints = setunion(
    ["lambda", "sts"],
    var.streams.secret_arn == null ? [] : ["secretsmanager"],
    [for secret in values(var.secrets) : split(":", secret.arn)[2] if secret != null],
    var.streams.kind == "kinesis" ? ["kinesis-streams"] : [],
    [for destination in local.destinations : split(":", destination)[2] if can(regex("^arn:[a-z-]+:(sqs|sns):", destination))],
    local.notifies_sns ? ["sns"] : [],
  )
  destinations = compact([for mapping in [var.mapping, var.notify_mapping, var.sink_mapping] : mapping.on_failure])
  notifies_sns = strcontains(nonsensitive(var.notify_targets), "sns:") || strcontains(nonsensitive(var.notify_targets), "sms:")

  platform = {
    architecture       = var.architecture
    log_level          = var.log_level
    log_retention_days = var.log_retention_days
    tracing            = var.tracing
    kms_key_arn        = var.kms_key_arn
    vpc                = local.network
  }

  zips = "${var.zips}/${var.architecture}"
  function = { for name, size in local.sizes : name => {
    for field, value in size : field => coalesce(try(var.functions[name][field], null), value)
  } }

  # Megabytes and seconds that fit most; var.functions says otherwise.
  sizes = {
    ingest = { memory = 512, timeout = 29, reserved_concurrency = -1 }
    window = { memory = 1769, timeout = 120, reserved_concurrency = -1 }
    sweep  = { memory = 1024, timeout = 120, reserved_concurrency = -1 }
    serve  = { memory = 512, timeout = 15, reserved_concurrency = -1 }
    notify = { memory = 256, timeout = 60, reserved_concurrency = -1 }
    sink   = { memory = 1024, timeout = 120, reserved_concurrency = -1 }
  }

  shared = { WEIR_TABLE = module.state.name }
  keys   = { WEIR_PROTECT_READS = tostring(var.protect_reads), WEIR_API_KEYS = var.api_keys }

  # What a function is to read itself, and may.
  secret_environment = { for name, secret in var.secrets : name => secret == null ? {} : { (local.secret_variables[name]) = secret.arn } }
  secret_statements = { for name, secret in var.secrets : name => secret == null ? [] : [
    {
      sid       = "Secret"
      actions   = [split(":", secret.arn)[2] == "ssm" ? "ssm:GetParameter" : "secretsmanager:GetSecretValue"]
      resources = [secret.arn]
    },
    {
      sid       = "SecretKey"
      actions   = ["kms:Decrypt"]
      resources = compact([secret.kms_key_arn])
    },
  ] }
  secret_variables = {
    api_keys        = "WEIR_API_KEYS_SECRET"
    notify_targets  = "WEIR_NOTIFY_SECRET"
    sink_targets    = "WEIR_SINK_SECRET"
    schema_registry = "WEIR_SCHEMA_REGISTRY_SECRET"
  }

  brokers  = module.topics.environment
  settings = { for name in keys(local.sizes) : name => merge(var.settings, lookup(var.function_settings, name, {})) }
}

module "network" {
  source = "../modules/network"
  count  = var.create_network == null ? 0 : 1

  name      = var.name
  cidr      = var.create_network.cidr
  zones     = var.create_network.zones
  nat       = var.create_network.nat
  endpoints = local.endpoints
}

module "topics" {
  source = "../modules/topics"

  name        = var.name
  topics      = var.topics
  streams     = var.streams
  network     = local.network
  kms_key_arn = var.kms_key_arn
}

module "state" {
  source = "../modules/state"

  name                        = var.name
  deletion_protection         = var.table.deletion_protection
  point_in_time_recovery_days = var.table.point_in_time_recovery_days
  max_write_units             = var.table.max_write_units
  max_read_units              = var.table.max_read_units
  kms_key_arn                 = var.kms_key_arn
}

module "ingest" {
  source = "../modules/ingest"

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function["ingest"]
  environment       = merge(local.shared, local.brokers, local.keys, local.secret_environment.api_keys)
  settings          = local.settings["ingest"]
  stream_statements = module.topics.statements["ingest"]
  statements        = concat(module.state.requests, local.secret_statements.api_keys)
}

module "window" {
  source = "../modules/window"

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function["window"]
  sweep             = local.function["sweep"]
  environment       = merge(local.shared, local.brokers, local.secret_environment.schema_registry)
  settings          = local.settings["window"]
  retention_days    = var.retention_days
  state_statements  = module.state.write
  stream_statements = module.topics.statements
  statements        = local.secret_statements.schema_registry
  topics            = module.topics.reads["window"]
  groups            = module.topics.groups["window"]
  source_of         = module.topics.source
  mapping           = var.mapping
  glue_schemas      = var.glue_schemas
  schedule          = { minutes = var.sweep_every_minutes }

  # A mapping of a topic that is not there stays disabled.
  depends_on = [module.topics]
}

module "serve" {
  source = "../modules/serve"

  name             = var.name
  zips             = local.zips
  platform         = local.platform
  function         = local.function["serve"]
  environment      = merge(local.shared, local.keys, local.secret_environment.api_keys)
  settings         = local.settings["serve"]
  state_statements = module.state.read
  statements       = local.secret_statements.api_keys
}

module "notify" {
  source = "../modules/notify"
  count  = length(module.topics.named.alert) > 0 ? 1 : 0

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function["notify"]
  environment       = merge(local.shared, local.brokers, local.secret_environment.notify_targets)
  settings          = local.settings["notify"]
  stream_statements = module.topics.statements["notify"]
  statements        = local.secret_statements.notify_targets
  topics            = module.topics.reads["notify"]
  groups            = module.topics.groups["notify"]
  source_of         = module.topics.source
  mapping           = var.notify_mapping
  targets           = var.notify_targets
}

module "sink" {
  source = "../modules/sink"
  count  = var.sink_bucket != null || nonsensitive(var.sink_targets) != "" || var.secrets.sink_targets != null ? 1 : 0

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function["sink"]
  environment       = merge(local.shared, local.brokers, local.secret_environment.sink_targets)
  settings          = local.settings["sink"]
  stream_statements = module.topics.statements["sink"]
  statements        = local.secret_statements.sink_targets
  topics            = module.topics.reads["sink"]
  groups            = module.topics.groups["sink"]
  source_of         = module.topics.source
  mapping           = var.sink_mapping
  targets           = var.sink_targets
  bucket            = var.sink_bucket
  kms_key_arn       = var.kms_key_arn
}
