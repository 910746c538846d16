# The same modules on LocalStack. What its free edition lacks is replaced: function URLs stand for API Gateway,
# weir poll for the event source of Kafka, a rule of EventBridge for its Scheduler.

locals {
  platform = {
    architecture       = var.architecture
    log_level          = var.log_level
    log_retention_days = 1
    tracing            = false
  }
  zips     = "${var.zips}/${var.architecture}"
  function = { memory = 512, timeout = 60, reserved_concurrency = -1 }
  shared   = { WEIR_TABLE = module.state.name }
  brokers  = module.topics.environment
}

module "topics" {
  source = "../modules/topics"

  name    = var.name
  topics  = var.topics
  streams = { kind = "kafka", auth = "none", bootstrap_servers = var.bootstrap_servers, replication_factor = 1 }
}

module "state" {
  source = "../modules/state"

  name                        = var.name
  deletion_protection         = false
  point_in_time_recovery_days = 0
}

module "ingest" {
  source = "../modules/ingest"

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function
  environment       = merge(local.shared, local.brokers)
  settings          = var.settings
  stream_statements = module.topics.statements["ingest"]
  statements        = module.state.requests
  function_url      = "NONE"
}

module "window" {
  source = "../modules/window"

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function
  sweep             = local.function
  environment       = merge(local.shared, local.brokers)
  settings          = var.settings
  retention_days    = 8
  state_statements  = module.state.write
  stream_statements = module.topics.statements
  topics            = module.topics.reads["window"]
  groups            = module.topics.groups["window"]
  source_of         = module.topics.source
  map_topics        = false
  schedule          = { minutes = 1, by = "rule" }
}

module "serve" {
  source = "../modules/serve"

  name             = var.name
  zips             = local.zips
  platform         = local.platform
  function         = local.function
  environment      = local.shared
  settings         = var.settings
  state_statements = module.state.read
  function_url     = "NONE"
}

module "notify" {
  source = "../modules/notify"

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function
  environment       = merge(local.shared, local.brokers)
  settings          = var.settings
  stream_statements = module.topics.statements["notify"]
  topics            = module.topics.reads["notify"]
  groups            = module.topics.groups["notify"]
  source_of         = module.topics.source
  map_topics        = false
  targets           = var.notify_targets
}

module "sink" {
  source = "../modules/sink"
  count  = var.sink ? 1 : 0

  name              = var.name
  zips              = local.zips
  platform          = local.platform
  function          = local.function
  environment       = merge(local.shared, local.brokers)
  settings          = var.settings
  stream_statements = module.topics.statements["sink"]
  topics            = module.topics.reads["sink"]
  groups            = module.topics.groups["sink"]
  source_of         = module.topics.source
  map_topics        = false
  targets           = var.sink_targets
  bucket            = { name = "${var.name}-rows", force_destroy = true }
}
