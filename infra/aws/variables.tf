variable "name" {
  description = "The environment's name, with which the names of all resources begin: weir-prod. Several stand side by side in one account, each with a state file of its own."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "Expected 3 to 32 small letters, digits and hyphens, a letter first: weir-prod."
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
}

variable "tags" {
  description = "Tags of all resources, beside application and environment."
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "A KMS key of yours for the table, logs, environment variables, streams and buckets; null: the services' own. Its policy has to let CloudWatch Logs use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[^:]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "Expected the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

# ---- The functions

variable "zips" {
  description = "The folder that scripts/zips.sh filled, with a folder for each architecture."
  type        = string
  default     = "../../dist"
}

variable "architecture" {
  description = "What the functions run on: arm64 (cheaper by a fifth) or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Expected arm64 or x86_64."
  }
}

variable "functions" {
  description = "Memory in MB, timeout in seconds and reserved concurrency of functions by name (ingest, window, sweep, serve, notify, sink), where they are to differ from the defaults."
  type = map(object({
    memory               = optional(number)
    timeout              = optional(number)
    reserved_concurrency = optional(number)
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.functions) : contains(["ingest", "window", "sweep", "serve", "notify", "sink"], name)])
    error_message = "The functions are ingest, window, sweep, serve, notify and sink."
  }

  validation {
    condition     = alltrue([for f in values(var.functions) : f.memory == null || try(f.memory >= 128 && f.memory <= 10240, false)])
    error_message = "A function has 128 to 10240 MB."
  }

  validation {
    condition     = alltrue([for name, f in var.functions : f.timeout == null || try(f.timeout >= (contains(["window", "sweep"], name) ? 31 : 3) && f.timeout <= 840, false)])
    error_message = "A timeout is 3 to 840 seconds; for window and sweep more than 30, which is how long the producer tries."
  }
}

variable "settings" {
  description = "Environment variables of all functions (docs/operations.md, Settings): { WEIR_LATE_TOPIC = \"late\" }."
  type        = map(string)
  default     = {}
}

variable "function_settings" {
  description = "Environment variables of single functions: { notify = { WEIR_NOTIFY_ATTEMPTS = \"3\" } }."
  type        = map(map(string))
  default     = {}
}

variable "glue_schemas" {
  description = "Whether window may ask AWS Glue's schema registry: for tables with format = 'avro-glue'."
  type        = bool
  default     = false
}

variable "log_level" {
  description = "How much the functions log: error, warn, info, debug or trace; or by module, as RUST_LOG takes it."
  type        = string
  default     = "info"
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, ... days."
  }
}

variable "tracing" {
  description = "Whether invocations are traced by X-Ray."
  type        = bool
  default     = true
}

# ---- State

variable "retention_days" {
  description = "How long slabs are kept (WEIR_RETENTION_DAYS): at least as long as the topics keep records."
  type        = number
  default     = 8

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "Expected 1 to 3650 days."
  }

  validation {
    condition     = alltrue([for t in values(var.topics) : t.role != "table" || t.retention_hours <= var.retention_days * 24])
    error_message = "retention_days has to be at least as long as the tables' topics keep records (retention_hours)."
  }
}

variable "table" {
  description = "The DynamoDB table: protection against deletion, days of point-in-time recovery (0: none), and bounds of what it takes a second."
  type = object({
    deletion_protection         = optional(bool, true)
    point_in_time_recovery_days = optional(number, 35)
    max_write_units             = optional(number)
    max_read_units              = optional(number)
  })
  default = {}
}

variable "sweep_every_minutes" {
  description = "How often sweep looks for idle partitions."
  type        = number
  default     = 1
}

# ---- The API

variable "throttling" {
  description = "Requests a second (rate), and at once (burst), that the HTTP API takes from all callers together."
  type = object({
    rate  = optional(number, 1000)
    burst = optional(number, 2000)
  })
  default = {}
}

variable "authorizer" {
  description = "Who may call the HTTP API: type none, jwt (issuer, audience, scopes), lambda (function_name, invoke_arn) or iam; protects has ingest, serve or both. With none the API is open to everybody but for API keys that the functions ask for."
  type = object({
    type             = optional(string, "none")
    protects         = optional(list(string), ["ingest", "serve"])
    identity_sources = optional(list(string), ["$request.header.Authorization"])
    issuer           = optional(string)
    audience         = optional(list(string), [])
    scopes           = optional(list(string))
    function_name    = optional(string)
    invoke_arn       = optional(string)
    ttl_seconds      = optional(number, 300)
  })
  default = {}
}

variable "api_keys" {
  description = "Keys that the functions themselves ask for (WEIR_API_KEYS): SECRET, write:SECRET, read:SECRET, with spaces between; none: everybody may call whom the authorizer lets. Set it by TF_VAR_api_keys."
  type        = string
  default     = ""
  sensitive   = true
}

variable "secrets" {
  description = "What functions read when they start, in place of the variable of that name: api_keys, notify_targets, sink_targets (all targets), schema_registry (WEIR_SCHEMA_REGISTRY). Each is a secret of Secrets Manager or a parameter of Systems Manager (arn), and its KMS key where it is one of yours (kms_key_arn): its text stands in no state and no configuration then."
  type = object({
    api_keys        = optional(object({ arn = string, kms_key_arn = optional(string) }))
    notify_targets  = optional(object({ arn = string, kms_key_arn = optional(string) }))
    sink_targets    = optional(object({ arn = string, kms_key_arn = optional(string) }))
    schema_registry = optional(object({ arn = string, kms_key_arn = optional(string) }))
  })
  default = {}

  validation {
    condition     = var.secrets.api_keys == null || nonsensitive(var.api_keys) == ""
    error_message = "Either api_keys or secrets.api_keys, not both."
  }

  validation {
    condition     = var.secrets.notify_targets == null || nonsensitive(var.notify_targets) == ""
    error_message = "Either notify_targets or secrets.notify_targets, not both."
  }

  validation {
    condition     = var.secrets.sink_targets == null || (nonsensitive(var.sink_targets) == "" && var.sink_bucket == null)
    error_message = "Either sink_bucket and sink_targets or secrets.sink_targets, which names all targets."
  }

  validation {
    condition = alltrue([for secret in values(var.secrets) :
      can(regex("^arn:[a-z-]+:(secretsmanager:[^:]+:[0-9]{12}:secret:|ssm:[^:]+:[0-9]{12}:parameter/)", secret.arn)) if secret != null
    ])
    error_message = "Expected the ARN of a secret or parameter: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME or arn:aws:ssm:REGION:ACCOUNT:parameter/NAME."
  }
}

variable "protect_reads" {
  description = "Whether reading needs one of api_keys too (WEIR_PROTECT_READS)."
  type        = bool
  default     = false

  validation {
    condition     = !var.protect_reads || nonsensitive(var.api_keys) != "" || var.secrets.api_keys != null
    error_message = "protect_reads needs api_keys or secrets.api_keys: without a key nobody could read."
  }
}

variable "domain" {
  description = "A domain name of your own: name, certificate_arn (ACM, same region) and zone_id (Route 53, if it has the zone); null: API Gateway's."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null
}

variable "cors_origins" {
  description = "Origins whose pages may call the API from a browser."
  type        = list(string)
  default     = []
}

variable "websocket" {
  description = "Events over WebSockets, by a second API: throttling, and a Lambda authorizer that is asked at $connect. null: none; {} for one with defaults."
  type = object({
    throttling = optional(object({ rate = optional(number, 1000), burst = optional(number, 2000) }), {})
    authorizer = optional(object({
      function_name    = string
      invoke_arn       = string
      identity_sources = optional(list(string), ["route.request.header.Authorization"])
    }))
  })
  default = null
}

# ---- Alarms

variable "alarms" {
  description = "Alarms and the dashboard: ARNs that are called (actions), an address that is written to (email), and thresholds. null: none of it."
  type = object({
    actions = optional(list(string), [])
    email   = optional(string)
    thresholds = optional(object({
      offset_lag          = optional(number, 100000)
      iterator_age_ms     = optional(number, 300000)
      watermark_seconds   = optional(number, 300)
      dead_letters        = optional(number, 1)
      late                = optional(number, 1000)
      api_errors          = optional(number, 5)
      sweep_silent_minute = optional(number, 10)
    }), {})
  })
  default = {}
}
