# Where the topics are, what they are called, and how they are read.

variable "topics" {
  description = "The topics of the SQL by name (topics.auto.tfvars.json has those of sql/): role is table, result, sentence, alert, late, dead_letter, notify_dead_letter or sink_dead_letter; partitions and retention_hours count where topics are made here."
  type = map(object({
    role            = string
    partitions      = optional(number, 3)
    retention_hours = optional(number, 168)
  }))
}

variable "streams" {
  description = <<-EOT
    Where the topics are. kind is one of
      msk_serverless  a cluster made here, by IAM;
      msk             an existing cluster (cluster_arn), with auth iam, scram, mtls or none;
      kafka           a self-managed cluster (bootstrap_servers), with auth scram256, scram512, plain, mtls or none;
      kinesis         a stream for each topic.
    secret_arn names the secret that has the credentials: username and password, or certificate, privateKey and
    privateKeyPassword, as Lambda's event source takes them; secret_kms_key_arn its key, if it is one of yours;
    ca_secret_arn a secret whose field certificate has the CA of a self-managed cluster. create_topics makes the topics:
    Kinesis streams, or topics of a provisioned MSK cluster with Kafka 3.6 or newer.
  EOT
  type = object({
    kind               = string
    auth               = optional(string, "iam")
    cluster_arn        = optional(string)
    bootstrap_servers  = optional(string)
    secret_arn         = optional(string)
    secret_kms_key_arn = optional(string)
    ca_secret_arn      = optional(string)
    create_topics      = optional(bool, false)
    replication_factor = optional(number, 3)
  })
  default = { kind = "msk_serverless" }
}

variable "network" {
  description = "Subnets and security groups of yours, from which the brokers are reached. Functions and event sources need ways out of them: see docs/deploy.md."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.network == null || var.create_network == null
    error_message = "Either network (yours) or create_network, not both."
  }
}

variable "create_network" {
  description = "A network made here: its addresses, in how many zones, and whether it has a way to the internet, which webhooks need. null: none."
  type = object({
    cidr  = optional(string, "10.42.0.0/20")
    zones = optional(number, 3)
    nat   = optional(bool, false)
  })
  default = null
}

# How records are put together to batches; the fields are those of modules/mapping.

variable "mapping" {
  description = "The event sources of window: batch_size, batching_window_seconds, filters, starting_position (TRIM_HORIZON, LATEST, AT_TIMESTAMP with starting_position_timestamp), provisioned_pollers { minimum, maximum }, on_failure, enabled. A slab is rewritten once a batch: large batches are cheap, small ones quick. With on_failure Lambda gives a batch up after ten attempts, and its records are in no window: leave it null unless that is wanted."
  type = object({
    batch_size                  = optional(number, 10000)
    batching_window_seconds     = optional(number, 1)
    filters                     = optional(list(string), [])
    starting_position           = optional(string, "TRIM_HORIZON")
    starting_position_timestamp = optional(string)
    enabled                     = optional(bool, true)
    on_failure                  = optional(string)
    maximum_retry_attempts      = optional(number, -1)
    provisioned_pollers         = optional(object({ minimum = number, maximum = number, group = optional(string) }))
  })
  default = {}
}

variable "notify_mapping" {
  description = "The event sources of notify: as mapping. Batches are small, so that their deliveries fit the function's time."
  type = object({
    batch_size                  = optional(number, 50)
    batching_window_seconds     = optional(number, 0)
    filters                     = optional(list(string), [])
    starting_position           = optional(string, "TRIM_HORIZON")
    starting_position_timestamp = optional(string)
    enabled                     = optional(bool, true)
    on_failure                  = optional(string)
    maximum_retry_attempts      = optional(number, -1)
    provisioned_pollers         = optional(object({ minimum = number, maximum = number, group = optional(string) }))
  })
  default = {}
}

variable "sink_mapping" {
  description = "The event sources of sink: as mapping. Files are as large as batches, so they wait long."
  type = object({
    batch_size                  = optional(number, 10000)
    batching_window_seconds     = optional(number, 60)
    filters                     = optional(list(string), [])
    starting_position           = optional(string, "TRIM_HORIZON")
    starting_position_timestamp = optional(string)
    enabled                     = optional(bool, true)
    on_failure                  = optional(string)
    maximum_retry_attempts      = optional(number, -1)
    provisioned_pollers         = optional(object({ minimum = number, maximum = number, group = optional(string) }))
  })
  default = {}
}

# ---- Where things go

variable "notify_targets" {
  description = "Where alerts go (WEIR_NOTIFY; docs/operations.md, Alerts to people). Set it by TF_VAR_notify_targets: who can read a webhook's address may post to it."
  type        = string
  default     = ""
  sensitive   = true
}

variable "sink_bucket" {
  description = "The bucket of Parquet files: name, prefix, create (or one that is there), expire_days; null: none."
  type = object({
    name          = string
    prefix        = optional(string, "weir")
    create        = optional(bool, true)
    expire_days   = optional(number)
    force_destroy = optional(bool, false)
  })
  default = null
}

variable "sink_targets" {
  description = "Further targets of sink, with spaces between: clickhouses://USER:PASSWORD@HOST:8443/DATABASE. Set it by TF_VAR_sink_targets."
  type        = string
  default     = ""
  sensitive   = true
}
