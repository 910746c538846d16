variable "name" {
  description = "The environment's prefix."
  type        = string
}

variable "topics" {
  description = "The topics of the SQL by name: what for (role), and how they are made where this module makes them."
  type = map(object({
    role            = string
    partitions      = optional(number, 3)
    retention_hours = optional(number, 168)
  }))

  validation {
    condition     = length([for t in values(var.topics) : t if t.role == "table"]) > 0
    error_message = "No topic has the role table, so nothing would be read."
  }

  validation {
    condition = alltrue([
      for t in values(var.topics) :
      contains([
        "table", "result", "sentence", "alert", "late", "dead_letter", "notify_dead_letter", "sink_dead_letter",
      ], t.role)
    ])
    error_message = "A topic's role is table, result, sentence, alert, late, dead_letter, notify_dead_letter or sink_dead_letter."
  }

  validation {
    condition     = alltrue([for name in keys(var.topics) : can(regex("^[a-zA-Z0-9._-]{1,249}$", name))])
    error_message = "A topic's name has 1 to 249 letters, digits, dots, underscores and hyphens."
  }

  validation {
    condition     = alltrue([for t in values(var.topics) : t.partitions >= 1 && floor(t.partitions) == t.partitions])
    error_message = "A topic has one partition or more."
  }

  validation {
    condition     = alltrue([for t in values(var.topics) : t.retention_hours >= 24 && t.retention_hours <= 8760])
    error_message = "Records are kept for 24 to 8760 hours."
  }
}

variable "streams" {
  description = "Where the topics are. See var.streams of the aws root."
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

  validation {
    condition     = contains(["msk_serverless", "msk", "kafka", "kinesis"], var.streams.kind)
    error_message = "streams.kind is msk_serverless (made here), msk (an existing cluster), kafka (self-managed) or kinesis."
  }

  validation {
    condition     = var.streams.kind != "msk" || var.streams.cluster_arn != null
    error_message = "An existing MSK cluster is named by streams.cluster_arn."
  }

  validation {
    condition     = var.streams.kind != "kafka" || var.streams.bootstrap_servers != null
    error_message = "A self-managed cluster is reached by streams.bootstrap_servers: host:port,host:port."
  }

  validation {
    condition = contains(
      lookup({
        msk_serverless = ["iam"]
        msk            = ["iam", "scram", "mtls", "none"]
        kafka          = ["scram256", "scram512", "plain", "mtls", "none"]
        kinesis        = ["iam"]
      }, var.streams.kind, []),
      var.streams.auth,
    )
    error_message = "streams.auth is iam for msk_serverless and kinesis; iam, scram, mtls or none for msk; scram256, scram512, plain, mtls or none for kafka."
  }

  validation {
    condition     = contains(["iam", "none"], var.streams.auth) || var.streams.secret_arn != null
    error_message = "With scram, plain and mtls streams.secret_arn names the secret of Secrets Manager that has the credentials."
  }

  validation {
    condition     = !var.streams.create_topics || contains(["msk", "kinesis"], var.streams.kind)
    error_message = "AWS makes topics in provisioned MSK clusters alone (Kafka 3.6 or newer). For others leave create_topics false and see the output create_topics."
  }

  # A file in a secret is more than an environment variable has room for.
  validation {
    condition     = var.streams.ca_secret_arn == null || var.streams.kind == "kafka"
    error_message = "streams.ca_secret_arn is for self-managed clusters: MSK's certificates are Amazon's."
  }
}

variable "network" {
  description = "The subnets and security groups from which brokers are reached."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null
}

variable "kms_key_arn" {
  description = "A KMS key for what is made here (Kinesis); null: the service's own."
  type        = string
  default     = null
}
